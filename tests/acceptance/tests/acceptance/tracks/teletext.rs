//! Teletext in a broadcast becomes subtitles.

use std::process::Command;

use crate::judge;

/// A page that changes within a segment and stands over a border, sent again each second; another language.
const PAGES: &str = r#"[
 {"page": "888", "language": "eng", "kind": 2, "cues": [
   [1.0, 2.5, [[20, "\r\u000b\u000bHello,\n\n"], [22, "\r\u000b\u000b\u0003world\n\n"]]],
   [3.0, 5.2, [[22, "\r\u000b\u000bSecond\n\n"]]]]},
 {"page": "777", "language": "deu", "kind": 5, "national": 1, "cues": [[2.0, 4.0, [[22, "\r\u000b\u000bGr}~e\n\n"]]]]}
]"#;

#[test]
fn teletext_of_a_transport_stream_is_published_as_subtitles() {
    let folder = tempfile::tempdir().unwrap();
    let [plain, pages, source, out] =
        ["plain.ts", "pages.json", "teletext.ts", "out"].map(|name| folder.path().join(name));
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-v", "error", "-f", "lavfi", "-i", "testsrc2=s=160x96:r=25:d=8"]);
    command.args(["-f", "lavfi", "-i", "sine=d=8", "-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac"]);
    judge::run(command.arg(&plain));
    std::fs::write(&pages, PAGES).unwrap();
    let script = judge::root().join("tests/media/teletext.py");
    judge::run(Command::new("python3").arg(script).args([&plain, &source, &pages]));
    judge::run(Command::new(judge::lectern()).arg("encode").arg("--out").arg(&out).arg(&source));
    judge::run(Command::new(judge::lectern()).arg("lint").arg(&out));

    let file =
        |track: &str, index: u32| std::fs::read_to_string(out.join(track).join(format!("{index:05}.vtt"))).unwrap();
    let (first, second) = (file("text-en", 1), file("text-en", 2));
    let cues =
        |text: &str| text.split("\n\n").filter(|block| block.contains(" --> ")).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(cues(&first).len(), 2, "{first}");
    assert!(first.contains("00:00:01.000 --> 00:00:02.500\nHello,\nworld"), "{first}");
    assert!(first.contains("00:00:03.000 --> 00:00:05.200\nSecond"), "{first}");
    assert!(cues(&second).len() == 1 && second.contains("00:00:03.000 --> 00:00:05.200\nSecond"), "{second}");
    assert!(file("text-de", 1).contains("00:00:02.000 --> 00:00:04.000\nGrüße"), "{}", file("text-de", 1));
    let master = std::fs::read_to_string(out.join("master.m3u8")).unwrap();
    let described =
        master.lines().filter(|line| line.contains("TYPE=SUBTITLES") && line.contains("transcribes-spoken-dialog"));
    assert_eq!(described.count(), 1, "those for people who cannot hear: {master}");
}
