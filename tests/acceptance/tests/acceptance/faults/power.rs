//! A machine that loses power: whatever was not synced is gone.
//!
//! `power/synced.c` keeps what was synced of every file and folder, and after a `kill -9` only that is put back. This is the
//! least that a file system may have kept, which is what shows a sync that is missing; that some of the rest was kept, or
//! blocks of it in another order, is not tried. Of a file that is written while it is synced all is taken for synced.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant, UNIX_EPOCH};

use crate::arriving::Upload;
use crate::judge;
use crate::kill::{Random, check_whole, done_attempts, number};
use crate::server::{Server, fresh, wait_for};

/// Where the power is cut, in turn.
#[derive(Clone, Copy, Debug)]
enum Moment {
    HalfUploaded,
    Uploaded,
    AtWork,
}

#[test]
fn what_was_acknowledged_outlives_a_power_cut_that_takes_whatever_was_not_synced() {
    let (points, seed) = (number("LECTERN_POWER_POINTS", 3), number("LECTERN_KILL_SEED", 20_261_122));
    println!("{points} power cuts, seed {seed} (LECTERN_KILL_SEED repeats it)");
    let folder = tempfile::tempdir().unwrap();
    let library = folder.path().join("synced.so");
    let source = judge::root().join("tests/acceptance/tests/acceptance/faults/power/synced.c");
    judge::run(Command::new("cc").args(["-O1", "-shared", "-fPIC", "-o"]).arg(&library).arg(source).arg("-ldl"));
    let mut random = Random(seed);
    let moments = [Moment::HalfUploaded, Moment::Uploaded, Moment::AtWork].into_iter().cycle();
    for moment in moments.take(points as usize) {
        cut(&library, moment, Duration::from_millis(random.below(12_000)));
    }
}

fn cut(library: &Path, moment: Moment, after: Duration) {
    let (folder, data) = fresh();
    std::fs::create_dir(&data).unwrap();
    let machine = Machine::start(library, &data, folder.path().join("synced"));
    let server = &machine.server;
    let file = std::fs::read(judge::media("kill.mp4")).unwrap();
    let upload = Upload::announce(server, file.len());
    upload.send(server, &file, 0, file.len() / 2);
    let mut acknowledged = file.len() / 2;
    if !matches!(moment, Moment::HalfUploaded) {
        upload.send(server, &file, file.len() / 2, file.len());
        acknowledged = file.len();
    }
    if matches!(moment, Moment::AtWork) {
        let until = Instant::now() + after;
        wait_for("the moment of the cut", 60, || (Instant::now() >= until).then_some(()));
    }
    let done = done_attempts(server, &upload.asset);
    let left = machine.cut(&folder.path().join("left"));

    let machine = Machine::start(library, &left, folder.path().join("synced-again"));
    let server = &machine.server;
    assert!(upload.received(server) >= acknowledged, "{moment:?}: bytes that were acknowledged are gone");
    upload.send(server, &file, upload.received(server), file.len());
    let now = done_attempts(server, &upload.asset);
    for (job, attempt) in &done {
        assert_eq!(now.get(job), Some(attempt), "{moment:?}: {job} was done and is not");
    }
    if matches!(moment, Moment::AtWork) {
        let asset = server.settled(&upload.asset, 300);
        assert_eq!(asset["state"], "ready", "{moment:?}: {asset}");
        check_whole(server, &asset, &format!("{moment:?}"));
    } else {
        wait_for("the recording to be planned", 60, || {
            server.jobs(&upload.asset).iter().any(|job| job["stage"] == "plan" && job["state"] == "done").then_some(())
        });
    }
    println!("{moment:?}: {} jobs were done and stayed so", done.len());
}

/// A server on a machine whose power can be cut.
struct Machine {
    server: Server,
    data: PathBuf,
    /// What a cut leaves.
    synced: PathBuf,
}

impl Machine {
    /// What lies in `data` already is synced.
    fn start(library: &Path, data: &Path, synced: PathBuf) -> Self {
        std::fs::create_dir(&synced).unwrap();
        keep_all(data, &synced);
        let mut command = Command::new(judge::lectern());
        command.env("LD_PRELOAD", library).env("LECTERN_SYNCED", &synced);
        Self { server: Server::spawn(command, data, &[]), data: data.to_owned(), synced }
    }

    /// Answers the data folder as it is found when the power is back.
    fn cut(self, left: &Path) -> PathBuf {
        self.server.kill();
        put_back(&self.synced, &identity(&self.data), left);
        // SQLite never syncs this one: the cut takes what it should.
        let size = |folder: &Path| std::fs::metadata(folder.join("lectern.db-shm")).map_or(0, |told| told.len());
        assert!(size(&self.data) > 0 && size(left) == 0);
        left.to_owned()
    }
}

/// As `synced.c` names it.
fn identity(path: &Path) -> String {
    let told = std::fs::symlink_metadata(path).unwrap();
    let made = told.created().unwrap().duration_since(UNIX_EPOCH).unwrap();
    format!("{}-{}-{}", told.ino(), made.as_secs(), made.subsec_nanos())
}

fn keep_all(folder: &Path, synced: &Path) {
    let mut list = BTreeMap::new();
    for entry in folder.read_dir().unwrap().map(|entry| entry.unwrap()) {
        let (path, name) = (entry.path(), entry.file_name().into_string().unwrap());
        let is_folder = path.is_dir();
        match is_folder {
            true => keep_all(&path, synced),
            false => drop(std::fs::copy(&path, synced.join(format!("file-{}", identity(&path)))).unwrap()),
        }
        list.insert(name, format!("{} {}", if is_folder { "folder" } else { "file" }, identity(&path)));
    }
    let list: String = list.iter().map(|(name, what)| format!("{what} {name}\n")).collect();
    std::fs::write(synced.join(format!("folder-{}", identity(folder))), list).unwrap();
}

/// Makes a folder of what was synced: one that never was is empty, and so is a file.
fn put_back(synced: &Path, folder: &str, into: &Path) {
    std::fs::create_dir(into).unwrap();
    let list = std::fs::read_to_string(synced.join(format!("folder-{folder}"))).unwrap_or_default();
    for line in list.lines() {
        let (kind, id, name) = line
            .split_once(' ')
            .and_then(|(kind, rest)| rest.split_once(' ').map(|(id, name)| (kind, id, name)))
            .unwrap();
        let path = into.join(name);
        match kind {
            "folder" => put_back(synced, id, &path),
            _ => std::fs::write(path, std::fs::read(synced.join(format!("file-{id}"))).unwrap_or_default()).unwrap(),
        }
    }
}
