//! The same from an upload to what the server publishes.

use serde_json::json;

use super::*;
use crate::server::{Server, fresh};

/// Copies the whole track behind a media playlist into a folder.
fn fetch(server: &Server, playlist: &str, into: &Path) {
    let get = |path: &str| {
        let answer = server.call("GET", path, &[], None).unwrap();
        assert_eq!(answer.status, 200, "{path}");
        answer.body
    };
    std::fs::create_dir_all(into).unwrap();
    let text = String::from_utf8(get(playlist)).unwrap();
    let named = text.lines().filter(|line| line.ends_with(".m4s")).chain(["init.mp4"]);
    for name in named {
        std::fs::write(into.join(name), get(&format!("{}/{name}", playlist.rsplit_once('/').unwrap().0))).unwrap();
    }
}

fn check_sets(mpd: &str) {
    let sets = elements(mpd, "AdaptationSet").into_iter().filter(|set| set.contains("contentType=\"video\""));
    let plain: Vec<&str> = sets.filter(|set| !set.contains("trickmode")).collect();
    assert_eq!(plain.len(), 2, "{mpd}");
    let property = |name: &str, value: u8| {
        format!("<EssentialProperty schemeIdUri=\"urn:mpeg:mpegB:cicp:{name}\" value=\"{value}\"")
    };
    assert!(plain[0].contains("avc1.64") && !plain[0].contains("cicp:TransferCharacteristics"), "{mpd}");
    for (name, value) in [("ColourPrimaries", 9), ("TransferCharacteristics", 16), ("MatrixCoefficients", 9)] {
        assert!(plain[1].contains("hvc1.2.4.L") && plain[1].contains(&property(name, value)), "{mpd}");
    }
}

#[test]
fn an_hdr10_upload_is_published_in_both_ranges_of_its_ladder() {
    let (folder, data) = fresh();
    let server = Server::start(&data);
    let source = source(folder.path(), "counter15.mp4", ("smpte2084", SCREEN));
    let id = server.upload_as(&source, json!({ "filename": "street.mp4", "ladder": "film-hdr" }));
    let asset = server.settled(&id, 500);
    assert_eq!(asset["state"], "ready", "{asset}");
    let made = asset["renditions"].as_array().unwrap().iter().filter(|one| one["state"] == "done");
    let made: Vec<_> = made.map(|one| (one["name"].as_str().unwrap(), one["quality"]["xpsnr_db"].is_f64())).collect();
    assert_eq!(made, [("360p", true), ("360p-hevc-hdr", false)], "there is nothing to compare the other with: {asset}");

    let root = format!("/p/{}", asset["playback_id"].as_str().unwrap());
    let text = |path: &str| String::from_utf8(server.call("GET", path, &[], None).unwrap().body).unwrap();
    let master = text(&format!("{root}/master.m3u8"));
    let lines: Vec<&str> = master.lines().filter(|line| line.starts_with("#EXT-X-STREAM-INF")).collect();
    assert_eq!(lines.len(), 2, "{master}");
    assert!(lines[0].contains("VIDEO-RANGE=SDR") && lines[0].contains("avc1.64"), "{master}");
    assert!(lines[1].contains("VIDEO-RANGE=PQ") && lines[1].contains("hvc1.2.4.L"), "{master}");
    check_sets(&text(&format!("{root}/manifest.mpd")));

    let out = folder.path().join("published");
    for playlist in master.lines().filter(|line| line.ends_with("media.m3u8") && line.contains("/video-")) {
        let track = playlist.split('/').rev().nth(1).unwrap();
        fetch(&server, &format!("{root}/{playlist}"), &out.join(track));
    }
    check_track((&out, "360p-hevc-hdr"), (&source, "smpte2084"), ("hvc1", "Main 10", 360));
    check_standard(&out);
    judge::run(Command::new(judge::lectern()).arg("lint").arg(format!("{}{root}/master.m3u8", server.base)));
}
