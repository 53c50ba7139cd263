//! A bucket whose objects are uploaded.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::bucket::{self, Buckets};
use crate::judge;
use crate::server::{Server, TOKEN, fresh_and_quick, wait_for};

/// A key that leaves nothing out.
const ODD: &str = "B +%20/Vorlesung \"1\" <ä&日本>.mp4";

/// A bucket that others fill, below a prefix.
struct Inbox {
    buckets: Buckets,
    folder: PathBuf,
    location: String,
}

impl Inbox {
    fn new(folder: &Path) -> Self {
        let (buckets, folder) = (Buckets::start(), folder.join("inbox"));
        let store = buckets.new_store(&folder);
        let location = store.replace(bucket::PREFIX, "in box");
        Self { buckets, folder, location }
    }

    /// Puts an object there, whole.
    fn put(&self, name: &str, content: &[u8]) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let unfinished = self.folder.join("unfinished");
        std::fs::write(&unfinished, content).unwrap();
        std::fs::rename(unfinished, path).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join("in box").join(name)
    }

    /// The notes of one kind.
    fn notes(&self, kind: &str) -> Vec<Value> {
        let Ok(entries) = self.path(".lectern").join(kind).read_dir() else { return Vec::new() };
        entries.map(|entry| serde_json::from_slice(&std::fs::read(entry.unwrap().path()).unwrap()).unwrap()).collect()
    }

    fn watch(&self, server: &Server, arguments: &[&str]) -> Command {
        let mut command = Command::new(judge::lectern());
        command.args(["--json", "watch", "--url", &server.base]).args(arguments).arg(&self.location);
        bucket::access(&mut command, self.buckets.address());
        command.env("LECTERN_ADMIN_TOKEN", TOKEN);
        command
    }

    /// What it says of all that is there.
    fn once(&self, server: &Server, arguments: &[&str]) -> Vec<Value> {
        let said = judge::run(self.watch(server, arguments).arg("--once")).stdout;
        std::str::from_utf8(&said).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Has one more object begin to be uploaded.
    fn begin(&self, server: &Server, arguments: &[&str]) -> Child {
        let count = |kind: &str| self.path(".lectern").join(kind).read_dir().map_or(0, Iterator::count);
        let done = count("done");
        let watching = self.watch(server, arguments).stdout(Stdio::null()).spawn().unwrap();
        wait_for("an object to be taken", 60, || (count("arriving") > 0 || count("done") > done).then_some(()));
        watching
    }
}

/// Names, sizes and states of all assets, oldest first.
fn assets(server: &Server) -> Vec<(String, Option<u64>, String)> {
    let page = server.admin("GET", "/api/v1/assets", None, 200).json();
    let text = |asset: &Value, field: &str| asset[field].as_str().unwrap().to_owned();
    let all = page["items"].as_array().unwrap().iter().rev();
    all.map(|asset| (text(asset, "filename"), asset["size_bytes"].as_u64(), text(asset, "state"))).collect()
}

#[test]
fn what_is_put_into_a_bucket_is_uploaded_once_though_the_command_and_the_server_are_killed() {
    let (folder, data) = fresh_and_quick();
    let inbox = Inbox::new(folder.path());
    let server = Server::start(&data);
    let first = std::fs::read(judge::media("counter.mp4")).unwrap();
    inbox.put("A.mp4", &first);
    inbox.put(ODD, b"no recording");
    inbox.put("C.mp4.part", b"not yet");
    kill(inbox.begin(&server, &[]));
    server.kill();
    let server = Server::start(&data);
    let said = inbox.once(&server, &[]);
    // Unless the first one had just been done when its uploader was killed.
    assert!(said.iter().all(|line| line["asset_id"].is_string()) && !said.is_empty(), "{said:?}");
    assert!(said.iter().any(|line| line["file"] == ODD), "{said:?}");
    let sizes = |server: &Server| assets(server).into_iter().map(|(name, size, _)| (name, size)).collect::<Vec<_>>();
    let [a, odd] = [("A.mp4".to_owned(), Some(first.len() as u64)), (ODD[7..].to_owned(), Some(12))];
    assert_eq!(sizes(&server), [a, odd], "each of them once");
    let keys: Vec<Value> = inbox.notes("done").into_iter().map(|note| note["key"].clone()).collect();
    assert!(keys.len() == 2 && keys.contains(&"A.mp4".into()) && keys.contains(&ODD.into()), "{keys:?}");
    assert!(inbox.notes("arriving").is_empty() && inbox.path("C.mp4.part").exists() && inbox.path("A.mp4").exists());
    assert!(inbox.once(&server, &[]).is_empty(), "it remembers");

    replaced(&inbox, &server);
    removed_and_refused(&inbox, &server);
}

fn kill(mut watching: Child) {
    watching.kill().unwrap();
    watching.wait().unwrap();
}

/// What was half uploaded when another object took its place is given up, and the other one is uploaded: whether nobody
/// watched just then, or it was being read.
fn replaced(inbox: &Inbox, server: &Server) {
    let large = 24 << 20;
    for (name, watched) in [("D.mp4", false), ("F.mp4", true)] {
        inbox.put(name, &vec![7; large]);
        let mut watching = inbox.begin(server, &["--once"]);
        let signal = |signal: &str| judge::run(Command::new("kill").args([signal, &watching.id().to_string()]));
        if watched {
            signal("-STOP");
            inbox.put(name, b"the other one");
            signal("-CONT");
            assert!(watching.wait().unwrap().success());
        } else {
            kill(watching);
            inbox.put(name, b"the other one");
            inbox.once(server, &[]);
        }
        let of_it = assets(server).into_iter().filter(|(known, ..)| known == name);
        // Of the first one there is all, or nothing: that goes.
        let kept: Vec<_> = of_it.filter(|(_, _, state)| state != "deleting").map(|(_, size, _)| size).collect();
        assert!(kept == [Some(13)] || kept == [Some(large as u64), Some(13)], "{name}: {kept:?}");
        assert!(inbox.notes("arriving").is_empty());
    }
}

fn removed_and_refused(inbox: &Inbox, server: &Server) {
    inbox.put("E.mp4", b"refused");
    let said = inbox.once(server, &["--remove", "--ladder", "no-such"]);
    assert_eq!((said.len(), &said[0]["file"]), (1, &"E.mp4".into()), "{said:?}");
    assert!(said[0]["kept"].as_str().unwrap().contains("/.lectern/failed/"), "{said:?}");
    let [why] = &inbox.notes("failed")[..] else { panic!("there is one note") };
    assert!(why["error"].as_str().unwrap().contains("there is no such ladder"), "{why}");
    assert!(!inbox.path("A.mp4").exists() && !inbox.path(ODD).exists(), "what is uploaded goes");
    assert!(inbox.path("E.mp4").exists() && inbox.path("C.mp4.part").exists());

    for (variable, value, argument, code) in [
        ("AWS_SECRET_ACCESS_KEY", "wrong", "--once", 69),
        ("LECTERN_ADMIN_TOKEN", "", "--once", 78),
        ("UNUSED", "", "--settle=5", 78),
    ] {
        let refused = inbox.watch(server, &[argument]).env(variable, value).output().unwrap();
        assert_eq!(refused.status.code(), Some(code), "{variable} {argument}: {refused:?}");
    }
}
