//! Matroska and WebM as ffmpeg writes them: packets, bytes and times against ffprobe.
#![allow(clippy::unwrap_used)]

#[path = "mkv/driver.rs"]
mod driver;
#[path = "mkv/writer.rs"]
mod writer;
#[path = "mkv/written.rs"]
mod written;

use demux::{Data, MediaKind};
use driver::{Folder, Output, agrees, bytes_of, probe, run};
use media_types::{CodecConfig, FrameRate};

const VIDEO: &str = "-f lavfi -i testsrc2=size=128x72:rate=";
const SOUND: &str = "-f lavfi -i sine=frequency=440:sample_rate=48000";

fn kind(out: &Output, track: usize) -> MediaKind {
    out.tracks[track].kind
}

/// Presentation times, sorted, lie exactly `ticks` apart, and so do decode times.
fn steady(out: &Output, track: usize, ticks: i64) {
    let packets = out.of(track);
    let mut shown: Vec<_> = packets.iter().map(|packet| packet.pts).collect();
    shown.sort_unstable();
    assert!(shown.windows(2).all(|pair| pair[1] - pair[0] == ticks), "{shown:?}");
    assert!(packets.windows(2).all(|pair| pair[1].dts - pair[0].dts == ticks));
    assert!(packets.iter().all(|packet| packet.dts <= packet.pts));
}

#[test]
fn h264_with_b_pictures_at_a_broadcast_rate_has_its_exact_times() {
    let folder = Folder::new("avc");
    let args = format!(
        "{VIDEO}24000/1001 {SOUND} -t 5 -c:v libx264 -preset veryfast -bf 3 -x264-params b-pyramid=normal:keyint=24 \
         -pix_fmt yuv420p -c:a aac -metadata:s:a:0 language=ger -metadata:s:a:0 title=Ton -disposition:a:0 default+comment"
    );
    let (path, file) = folder.make("a.mkv", &args);
    let probed = probe(&path);
    for length in [Some(file.len() as u64), None] {
        let out = run(&file, length);
        assert_eq!(out.warnings, [""; 0]);
        agrees(&file, &out, 0, &probed, 0);
        agrees(&file, &out, 1, &probed, 1);
        assert_eq!(out.tracks[0].timescale.get(), 24_000);
        let frame_rate = FrameRate::new(24_000, 1001);
        let want = MediaKind::Video { width: 128, height: 72, sample_aspect: (1, 1), frame_rate };
        assert_eq!(kind(&out, 0), want);
        steady(&out, 0, 1001);
        assert!(out.of(0).iter().any(|packet| packet.pts > packet.dts + 2 * 1001));
        assert_eq!(kind(&out, 1), MediaKind::Audio { sample_rate: 48_000, channels: 1 });
        steady(&out, 1, 1024);
        assert_eq!(out.of(1)[0].pts, 0);
        let track = &out.tracks[1];
        assert_eq!((track.language.as_str(), track.label.as_deref()), ("de", Some("Ton")));
        assert!(track.roles.default && track.roles.commentary);
        assert!(out.packets.iter().all(|packet| matches!(packet.data, Data::At(_))));
    }
}

#[test]
fn hevc_and_ac3_are_read() {
    let folder = Folder::new("hevc");
    let args = format!(
        "{VIDEO}30000/1001 {SOUND} -t 3 -vf setsar=4/3 -c:v libx265 -x265-params log-level=error:bframes=4 -preset ultrafast \
         -pix_fmt yuv420p -c:a ac3 -ac 2"
    );
    let (path, file) = folder.make("a.mkv", &args);
    let out = run(&file, Some(file.len() as u64));
    let probed = probe(&path);
    agrees(&file, &out, 0, &probed, 0);
    agrees(&file, &out, 1, &probed, 1);
    assert!(matches!(out.tracks[0].config, CodecConfig::Hevc(_)));
    assert!(matches!(kind(&out, 0), MediaKind::Video { sample_aspect: (4, 3), .. }), "{:?}", kind(&out, 0));
    steady(&out, 0, 1001);
    assert!(matches!(&out.tracks[1].config, CodecConfig::Ac3(config) if config.len() == 3));
    assert_eq!(kind(&out, 1), MediaKind::Audio { sample_rate: 48_000, channels: 2 });
    steady(&out, 1, 1536);
    assert_eq!(out.warnings, [""; 0]);
}

#[test]
fn vp9_and_opus_in_webm_are_read_with_their_priming() {
    let folder = Folder::new("vp9");
    let args = format!("{VIDEO}25 {SOUND} -t 3 -c:v libvpx-vp9 -deadline realtime -cpu-used 8 -g 30 -c:a libopus");
    let (path, file) = folder.make("a.webm", &args);
    let out = run(&file, Some(file.len() as u64));
    let probed = probe(&path);
    agrees(&file, &out, 0, &probed, 0);
    agrees(&file, &out, 1, &probed, 1);
    assert!(matches!(&out.tracks[0].config, CodecConfig::Vp9(config) if config.len() == 8));
    steady(&out, 0, 480);
    assert!(matches!(&out.tracks[1].config, CodecConfig::Opus(config) if config.len() == 11));
    let sound = out.of(1);
    assert_eq!((sound[0].pts, sound[1].pts, sound[0].duration), (-312, 648, Some(960)));
    // The stream is 3 s long; what the encoder added at the end is not heard.
    let last = sound.last().unwrap();
    assert_eq!(last.pts + i64::from(last.duration.unwrap()), 144_000);
    assert_eq!(out.warnings, [""; 0]);
}

#[test]
fn av1_and_eac3_are_read() {
    let folder = Folder::new("av1");
    let args = format!("{VIDEO}50 {SOUND} -t 2 -c:v libsvtav1 -preset 12 -g 50 -pix_fmt yuv420p -c:a eac3");
    let (path, file) = folder.make("a.mkv", &args);
    let out = run(&file, Some(file.len() as u64));
    let probed = probe(&path);
    agrees(&file, &out, 1, &probed, 1);
    assert!(matches!(&out.tracks[0].config, CodecConfig::Av1(config) if config.len() > 4));
    steady(&out, 0, 240);
    // The same but for the temporal delimiters.
    for (packet, probed) in out.of(0).iter().zip(probed.iter().filter(|packet| packet.stream == 0)) {
        let bytes = bytes_of(&file, packet);
        assert!(bytes.len() == probed.size || bytes.len() + 2 == probed.size);
        assert_ne!(bytes[0] >> 3 & 15, 2);
        assert_eq!(packet.keyframe, probed.keyframe);
    }
    assert!(matches!(out.tracks[1].config, CodecConfig::Eac3(_)));
    steady(&out, 1, 1536);
    assert_eq!(out.warnings, [""; 0]);
}

#[test]
fn flac_is_read_and_what_cannot_be_carried_is_named() {
    let folder = Folder::new("flac");
    let args =
        format!("{SOUND} {SOUND} {SOUND} -t 3 -map 0 -map 1 -map 2 -c:a:0 flac -c:a:1 libvorbis -c:a:2 pcm_s16le");
    let (path, file) = folder.make("a.mka", &args);
    let out = run(&file, Some(file.len() as u64));
    assert_eq!(out.tracks.len(), 1);
    agrees(&file, &out, 0, &probe(&path), 0);
    assert!(matches!(&out.tracks[0].config, CodecConfig::Flac(config) if config.len() == 38));
    let sound = out.of(0);
    let total: i64 = sound.iter().map(|packet| i64::from(packet.duration.unwrap())).sum();
    assert_eq!(total, 144_000);
    assert!(sound.windows(2).all(|pair| pair[0].pts + i64::from(pair[0].duration.unwrap()) == pair[1].pts));
    assert_eq!(out.warnings.len(), 2);
    assert!(out.warnings[0].contains("Vorbis") && out.warnings[1].contains("uncompressed"), "{:?}", out.warnings);
}

#[test]
fn a_variable_rate_keeps_its_written_times() {
    let folder = Folder::new("vfr");
    let args = format!(
        "{VIDEO}30 -t 5 -vf settb=1/1000,setpts=N*40+mod(N*N\\,17) -fps_mode passthrough -enc_time_base 1/1000 -c:v libx264 \
         -preset veryfast -bf 2 -pix_fmt yuv420p"
    );
    let (path, file) = folder.make("a.mkv", &args);
    let out = run(&file, Some(file.len() as u64));
    agrees(&file, &out, 0, &probe(&path), 0);
    assert_eq!(out.tracks[0].timescale.get(), 90_000);
    assert!(matches!(kind(&out, 0), MediaKind::Video { frame_rate: None, .. }));
    assert!(out.of(0).iter().all(|packet| packet.pts % 90 == 0 && packet.dts <= packet.pts));
    assert_eq!(out.warnings, [""; 0]);
}

#[test]
fn pictures_dropped_from_a_constant_rate_leave_the_others_exact() {
    let folder = Folder::new("sparse");
    let args = format!(
        "{VIDEO}30000/1001 -t 5 -vf select='not(mod(n\\,7))+not(mod(n\\,3))' -fps_mode vfr -c:v libx264 -preset veryfast -bf 2 \
         -pix_fmt yuv420p"
    );
    let (path, file) = folder.make("a.mkv", &args);
    let out = run(&file, Some(file.len() as u64));
    agrees(&file, &out, 0, &probe(&path), 0);
    assert_eq!(out.tracks[0].timescale.get(), 30_000);
    assert!(matches!(kind(&out, 0), MediaKind::Video { frame_rate: None, .. }));
    assert!(out.of(0).iter().all(|packet| packet.pts % 1001 == 0 && packet.dts <= packet.pts));
    assert_eq!(out.warnings, [""; 0]);
}

#[test]
fn a_recording_of_unknown_size_gives_the_same_packets() {
    let folder = Folder::new("live");
    let (path, whole) = folder
        .make("a.mkv", &format!("{VIDEO}25 {SOUND} -t 4 -c:v libx264 -preset veryfast -pix_fmt yuv420p -c:a aac"));
    let (_, live) = folder.make("live.mkv", &format!("-i {} -c copy -f matroska -live 1", path.display()));
    let (whole_out, out) = (run(&whole, Some(whole.len() as u64)), run(&live, None));
    assert_eq!(out.packets.len(), whole_out.packets.len());
    for (one, other) in out.packets.iter().zip(&whole_out.packets) {
        assert_eq!((one.track, one.dts, one.pts, one.keyframe), (other.track, other.dts, other.pts, other.keyframe));
        assert_eq!(bytes_of(&live, one), bytes_of(&whole, other));
    }
    assert_eq!(out.warnings, [""; 0]);
}

#[test]
fn a_file_cut_anywhere_gives_what_is_whole_and_says_so() {
    let folder = Folder::new("cut");
    let args = format!(
        "{VIDEO}25 {SOUND} -t 3 -c:v libx264 -preset veryfast -bf 2 -pix_fmt yuv420p -c:a aac -cluster_time_limit 500"
    );
    let (_, file) = folder.make("a.mkv", &args);
    let whole = run(&file, Some(file.len() as u64));
    for cut in (1..60).map(|part| file.len() * part / 60) {
        let part = &file[..cut];
        for length in [Some(cut as u64), None] {
            let out = run(part, length);
            if let Some(error) = out.error {
                assert!(cut < 10_000, "{error}");
                continue;
            }
            let told = out.warnings.iter().filter(|what| what.contains("cut short")).count();
            assert_eq!(told, 1, "cut at {cut}: {:?}", out.warnings);
            for track in 0..out.tracks.len() {
                let (ours, theirs) = (out.of(track), whole.of(track));
                assert!(ours.len() <= theirs.len());
                // With few pictures, the delay is not known yet; the pictures themselves are the same.
                assert!(ours.iter().zip(theirs).all(|(one, other)| one.data == other.data));
            }
        }
    }
}

#[test]
fn damage_costs_no_more_than_its_cluster() {
    let folder = Folder::new("damage");
    let args = format!(
        "{VIDEO}25 {SOUND} -t 6 -c:v libx264 -preset veryfast -g 25 -pix_fmt yuv420p -c:a aac -cluster_time_limit 1000"
    );
    let (_, file) = folder.make("a.mkv", &args);
    let whole = run(&file, Some(file.len() as u64));
    let clusters: Vec<_> =
        file.windows(4).enumerate().filter(|(_, id)| *id == [0x1F, 0x43, 0xB6, 0x75]).map(|(at, _)| at).collect();
    assert!(clusters.len() >= 5);
    let mut broken = file.clone();
    broken[clusters[2] + 20..clusters[2] + 600].fill(0);
    for length in [Some(broken.len() as u64), None] {
        let out = run(&broken, length);
        assert!(out.warnings.iter().any(|what| what.contains("next Cluster")), "{:?}", out.warnings);
        for track in 0..2 {
            let lost = |packet: &&&demux::Packet| matches!(packet.data, Data::At(place) if (clusters[2] as u64..clusters[3] as u64).contains(&place.offset));
            let left = whole.of(track).iter().filter(|packet| !lost(packet)).count();
            assert!(out.of(track).len() >= left, "{} {left}", out.of(track).len());
            let last = (whole.of(track).last().unwrap().pts, out.of(track).last().unwrap().pts);
            // Sound is counted anew from a time in milliseconds.
            assert!((last.0 - last.1).abs() <= 48, "{last:?}");
        }
    }
}

#[test]
fn subtitles_become_contiguous_samples() {
    let folder = Folder::new("text");
    let text = "1\n00:00:01,000 --> 00:00:02,500\n<i>One</i> & two\n\n2\n00:00:02,000 --> 00:00:04,000\n{\\an8}Up\n";
    std::fs::write(folder.path("a.srt"), text).unwrap();
    std::fs::write(
        folder.path("a.vtt"),
        "WEBVTT\n\n00:01.000 --> 00:02.500 line:0\nOne\n\nlast\n00:03.000 --> 00:04.000\nTwo\n",
    )
    .unwrap();
    let args =
        "-i a.srt -i a.vtt -map 0 -map 1 -c:s:0 srt -c:s:1 copy -metadata:s:s:0 language=fre -disposition:s:0 forced";
    let (_, file) = folder.make("a.mkv", args);
    let out = run(&file, Some(file.len() as u64));
    assert_eq!(out.warnings, [""; 0]);
    assert_eq!((out.tracks[0].language.as_str(), out.tracks[0].roles.forced), ("fr", true));
    assert_eq!(out.tracks[0].config, CodecConfig::Wvtt("WEBVTT".into()));
    let times = |track| out.of(track).iter().map(|packet| (packet.pts, packet.duration.unwrap())).collect::<Vec<_>>();
    assert_eq!(times(0), [(0, 1000), (1000, 1000), (2000, 500), (2500, 1500)]);
    assert_eq!(times(1), [(0, 1000), (1000, 1500), (2500, 500), (3000, 1000)]);
    let data = |track: usize, at: usize| String::from_utf8_lossy(&bytes_of(&file, out.of(track)[at])).into_owned();
    assert!(data(0, 1).contains("payl<i>One</i> &amp; two"));
    assert!(data(0, 3).contains("sttgline:0") && data(0, 3).contains("paylUp"));
    assert!(data(1, 1).contains("sttgline:0") && data(1, 1).contains("paylOne"));
    assert!(data(1, 3).contains("idenlast") && data(1, 3).contains("paylTwo"), "{:?}", data(1, 3));
    assert_eq!(data(1, 2), "\0\0\0\u{8}vtte");
}

#[test]
fn payload_is_not_read() {
    let folder = Folder::new("reads");
    let args = "-f lavfi -i testsrc2=size=1280x720:rate=25 -t 4 -vf noise=alls=60:allf=t -c:v libx264 -preset ultrafast -crf 10 -pix_fmt yuv420p";
    let (_, file) = folder.make("a.mkv", args);
    assert!(file.len() > 10_000_000);
    let out = run(&file, Some(file.len() as u64));
    assert_eq!(out.packets.len(), 100);
    assert!(out.read < file.len() as u64 / 10, "{} of {} bytes read", out.read, file.len());
}
