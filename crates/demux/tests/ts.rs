//! Transport streams that FFmpeg made, checked against what FFmpeg says of the same media.
#![allow(clippy::unwrap_used)]

#[path = "ts/support.rs"]
mod support;

use demux::{MediaKind, Step};
use media_types::CodecConfig;
use support::{Clip, Played, crc32, demux, ffmpeg, packets, pieces};

/// Every sample of `ts` has the bytes, key flag and spacing of the packets of the file `origin` that it was copied from.
fn check_copy(clip: &Clip, origin: &str, ts: &str, streams: &[&str]) {
    let played = demux(&clip.read(ts));
    assert_eq!(played.error, None, "{ts}");
    assert_eq!(played.warnings, [], "{ts}");
    assert_eq!(played.tracks.len(), streams.len(), "{ts}");
    for (track, stream) in streams.iter().enumerate() {
        let wanted = packets(&clip.path(origin), stream);
        let got: Vec<_> = played.packets.iter().filter(|packet| packet.track == track).collect();
        assert_eq!(got.len(), wanted.len(), "{ts} {stream}: samples");
        let scale = f64::from(played.tracks[track].timescale.get());
        let (first, origin_first) = (got[0].dts, wanted[0].dts);
        for (index, (sample, packet)) in got.iter().zip(&wanted).enumerate() {
            let data = support::data(sample);
            assert_eq!((data.len(), crc32(data)), (packet.size, packet.crc), "{ts} {stream} sample {index}");
            assert_eq!(sample.keyframe, packet.keyframe, "{ts} {stream} sample {index}");
            let off = (sample.dts - first) as f64 / scale - (packet.dts - origin_first);
            let shown = (sample.pts - first) as f64 / scale - (packet.pts - origin_first);
            assert!(off.abs() < 2e-4 && shown.abs() < 2e-4, "{ts} {stream} sample {index}: {off} {shown}");
        }
    }
}

const X264: &[&str] = &["-c:v", "libx264", "-preset", "ultrafast", "-bf", "3", "-b-pyramid", "normal", "-g", "20"];

#[test]
fn h264_and_two_languages_of_aac_come_out_as_they_went_in() {
    let clip = Clip::new();
    let mut make = vec![
        "-f",
        "lavfi",
        "-i",
        "testsrc2=s=192x108:r=25:d=3",
        "-f",
        "lavfi",
        "-i",
        "sine=r=48000:d=3",
        "-f",
        "lavfi",
        "-i",
        "sine=f=900:r=44100:d=3",
        "-map",
        "0",
        "-map",
        "1",
        "-map",
        "2",
        "-metadata:s:a:0",
        "language=ger",
        "-metadata:s:a:1",
        "language=eng",
    ];
    make.extend(X264);
    make.extend(["-c:a", "aac", "-shortest", "a.mp4"]);
    ffmpeg(&clip, &make);
    for (name, options) in [
        ("plain.ts", &[][..]),
        ("wrap.ts", &["-output_ts_offset", "95442.5"]),
        ("many.ts", &["-pes_payload_size", "100", "-pat_period", "0.1"]),
        ("clock.ts", &["-mpegts_copyts", "1", "-muxrate", "900k"]),
    ] {
        let mut copy = vec!["-i", "a.mp4", "-map", "0", "-c", "copy", "-f", "mpegts"];
        copy.extend(options);
        copy.push(name);
        ffmpeg(&clip, &copy);
        check_copy(&clip, "a.mp4", name, &["v:0", "a:0", "a:1"]);
    }
    let played = demux(&clip.read("plain.ts"));
    let languages: Vec<_> = played.tracks.iter().map(|track| track.language.as_str()).collect();
    assert_eq!(languages, ["und", "de", "en"]);
    let rates: Vec<_> = played.tracks.iter().map(|track| track.timescale.get()).collect();
    assert_eq!(rates, [90_000, 48_000, 44_100]);
    let MediaKind::Video { width: 192, height: 108, .. } = played.tracks[0].kind else {
        panic!("{:?}", played.tracks[0])
    };
    assert_eq!(
        played.packets.iter().map(|packet| packet.pts * 100 / if packet.track == 2 { 44 } else { 48 }).min(),
        Some(0)
    );
    // The presentation's length is that of the media however the stream is cut.
    let lasts = |played: &Played| {
        played.packets.iter().map(|packet| (packet.track, packet.pts, packet.dts)).collect::<Vec<_>>()
    };
    assert_eq!(lasts(&played), lasts(&demux(&clip.read("wrap.ts"))), "over the wrap of the clock");
}

#[test]
fn hevc_comes_out_as_it_went_in() {
    let clip = Clip::new();
    ffmpeg(
        &clip,
        &[
            "-f",
            "lavfi",
            "-i",
            "testsrc2=s=192x128:r=30000/1001:d=2",
            "-c:v",
            "libx265",
            "-preset",
            "ultrafast",
            "-x265-params",
            "log-level=error:info=0:keyint=20:bframes=3:open-gop=1",
            "-tag:v",
            "hvc1",
            "a.mp4",
        ],
    );
    ffmpeg(&clip, &["-i", "a.mp4", "-c", "copy", "a.ts"]);
    check_copy(&clip, "a.mp4", "a.ts", &["v:0"]);
    let played = demux(&clip.read("a.ts"));
    assert!(matches!(played.tracks[0].config, CodecConfig::Hevc(_)));
    assert!(played.packets.iter().filter(|packet| packet.keyframe).count() >= 3, "open groups begin with keys");
}

#[test]
fn dolby_sound_comes_out_as_it_went_in() {
    for (codec, system_b) in [("ac3", false), ("ac3", true), ("eac3", false), ("eac3", true)] {
        let clip = Clip::new();
        ffmpeg(&clip, &["-f", "lavfi", "-i", "sine=r=48000:d=2", "-ac", "6", "-c:a", codec, "a.mp4"]);
        let flags = if system_b { "system_b" } else { "0" };
        ffmpeg(&clip, &["-i", "a.mp4", "-c", "copy", "-mpegts_flags", flags, "a.ts"]);
        check_copy(&clip, "a.mp4", "a.ts", &["a:0"]);
        let played = demux(&clip.read("a.ts"));
        assert_eq!(played.tracks[0].kind, MediaKind::Audio { sample_rate: 48_000, channels: 6 }, "{codec}");
    }
}

/// A clip of two seconds with a picture every 40 ms and sound.
fn small(clip: &Clip) -> Vec<u8> {
    let mut make = vec!["-f", "lavfi", "-i", "testsrc2=s=192x108:r=25:d=2", "-f", "lavfi", "-i", "sine=r=48000:d=2"];
    make.extend(X264);
    make.extend(["-c:a", "aac", "a.ts"]);
    ffmpeg(clip, &make);
    clip.read("a.ts")
}

#[test]
fn a_missing_packet_costs_its_picture_and_a_warning() {
    let clip = Clip::new();
    let whole = small(&clip);
    let count = demux(&whole).packets.len();
    let packets = whole.len() / 188;
    for gone in [packets / 2, packets / 2 + 1, packets - 40] {
        let mut cut = whole.clone();
        let pid = u16::from_be_bytes([cut[gone * 188 + 1] & 0x1f, cut[gone * 188 + 2]]);
        cut.drain(gone * 188..gone * 188 + 188);
        let played = demux(&cut);
        assert_eq!(played.error, None);
        if pid == 0x100 || pid == 0x101 {
            assert!(
                played.warnings.iter().any(|warning| warning.what.contains(&format!("PID {pid}"))),
                "{:?}",
                played.warnings
            );
        }
        let left = played.packets.len();
        assert!(left < count && left + 12 >= count, "{left} of {count}");
    }
}

#[test]
fn garbage_between_packets_is_passed_over() {
    let clip = Clip::new();
    let whole = small(&clip);
    let clean = demux(&whole);
    for length in [1, 100, 187, 188 * 3, 1000] {
        let mut broken = whole.clone();
        let at = whole.len() / 188 / 2 * 188;
        broken.splice(at..at, std::iter::repeat_n(0x48, length));
        let played = demux(&broken);
        assert!(played.error.is_none() && played.packets == clean.packets, "{length} bytes");
        assert_eq!(played.warnings.len(), 1);
        assert_eq!(played.warnings[0].offset, at as u64, "{:?}", played.warnings);
    }
}

#[test]
fn a_file_that_begins_and_ends_anywhere_gives_what_is_whole() {
    let clip = Clip::new();
    let whole = small(&clip);
    let clean = demux(&whole);
    for cut in (0..whole.len()).step_by(whole.len() / 23 + 1) {
        let played = demux(&whole[..whole.len() - cut]);
        // The picture in which the file ends may be cut short.
        let pictures = played.packets.iter().filter(|packet| packet.track == 0).count();
        let sure = |packets: &[demux::Packet], track: usize| -> Vec<demux::Packet> {
            let limit = if track == 0 { pictures.saturating_sub(1) } else { usize::MAX };
            packets.iter().filter(|packet| packet.track == track).take(limit).cloned().collect()
        };
        // Without a first frame of sound the presentation begins with the pictures.
        for track in if played.tracks.len() == 2 { 0..2 } else { 0..0 } {
            let (got, wanted) = (sure(&played.packets, track), sure(&clean.packets, track));
            assert!(got == wanted[..got.len()], "cut {cut}: track {track}");
        }
        let played = demux(&whole[cut..]);
        assert!(played.error.is_some() || !played.packets.is_empty());
        for track in 0..played.tracks.len() {
            let times: Vec<_> =
                played.packets.iter().filter(|packet| packet.track == track).map(|packet| packet.dts).collect();
            assert!(times.is_sorted_by(|a, b| a < b), "cut {cut}: decoding times grow");
        }
    }
}

#[test]
fn the_same_samples_come_whatever_pieces_are_given_and_whether_or_not_the_length_is_known() {
    let clip = Clip::new();
    let whole = small(&clip);
    let clean = demux(&whole);
    assert!(pieces(&whole, None).packets == clean.packets);
    assert!(matches!(clean.first, Some(Step::Ready)));
}

#[test]
fn joined_files_go_on_without_a_gap_when_their_parameter_sets_are_the_same() {
    let clip = Clip::new();
    let whole = small(&clip);
    let twice = demux(&[whole.clone(), whole.clone()].concat());
    let once = demux(&whole);
    assert_eq!(twice.error, None);
    assert!(twice.warnings.iter().any(|warning| warning.what.contains("jump")), "{:?}", twice.warnings);
    for (track, step) in [(0, 3600), (1, 1024)] {
        let times = |played: &Played| {
            played.packets.iter().filter(|packet| packet.track == track).map(|packet| packet.dts).collect::<Vec<_>>()
        };
        let (times, single) = (times(&twice), times(&once).len());
        // The counters break at the join, so what ended there may lack its end.
        assert!(times.len() <= single * 2 && times.len() + 20 > single * 2, "{} of {}", times.len(), single * 2);
        assert!(times.windows(2).filter(|pair| pair[1] - pair[0] != step).count() <= 1, "track {track}");
        assert!(times.windows(2).all(|pair| pair[1] > pair[0] && pair[1] - pair[0] < step * 20), "track {track}");
    }
}

#[test]
fn packets_with_time_stamps_in_front_are_read() {
    let clip = Clip::new();
    let mut make = vec!["-f", "lavfi", "-i", "testsrc2=s=192x108:r=25:d=2", "-f", "lavfi", "-i", "sine=r=48000:d=2"];
    make.extend(X264);
    make.extend(["-c:a", "ac3", "a.mp4"]);
    ffmpeg(&clip, &make);
    ffmpeg(&clip, &["-i", "a.mp4", "-c", "copy", "-f", "mpegts", "-mpegts_m2ts_mode", "1", "a.m2ts"]);
    check_copy(&clip, "a.mp4", "a.m2ts", &["v:0", "a:0"]);
    let long: Vec<u8> =
        clip.read("a.m2ts").chunks_exact(192).flat_map(|packet| [&packet[4..], &[0x47; 16]].concat()).collect();
    assert!(demux(&long).packets == demux(&clip.read("a.m2ts")).packets, "packets of 204 bytes");
}

#[test]
fn changed_parameter_sets_are_refused_with_the_place() {
    let clip = Clip::new();
    let first = small(&clip);
    let mut make = vec!["-f", "lavfi", "-i", "testsrc2=s=256x144:r=25:d=2", "-f", "lavfi", "-i", "sine=r=48000:d=2"];
    make.extend(X264);
    make.extend(["-c:a", "aac", "b.ts"]);
    ffmpeg(&clip, &make);
    let played = demux(&[first.clone(), clip.read("b.ts")].concat());
    let error = played.error.unwrap();
    assert!(error.offset >= first.len() as u64 && error.offset < first.len() as u64 + 10 * 188, "{error}");
    assert!(error.reason.contains("parameter sets") && error.reason.contains("cut"), "{error}");
}

#[test]
fn a_scrambled_stream_is_refused() {
    let clip = Clip::new();
    let mut whole = small(&clip);
    for packet in whole.chunks_exact_mut(188) {
        if packet[1] & 0x1f == 1 && packet[2] == 0 {
            packet[3] |= 0x80;
        }
    }
    let error = demux(&whole).error.unwrap();
    assert!(error.reason.contains("PID 256 is scrambled"), "{error}");
}

#[test]
fn what_cannot_be_a_track_is_named() {
    let clip = Clip::new();
    ffmpeg(
        &clip,
        &[
            "-f",
            "lavfi",
            "-i",
            "sine=r=48000:d=1",
            "-f",
            "lavfi",
            "-i",
            "sine=r=48000:d=1",
            "-map",
            "0",
            "-map",
            "1",
            "-c:a:0",
            "mp2",
            "-c:a:1",
            "aac",
            "a.ts",
        ],
    );
    let played = demux(&clip.read("a.ts"));
    assert_eq!(played.tracks.len(), 1);
    assert!(played.warnings[0].what.contains("MPEG-1/2 audio"), "{:?}", played.warnings);
    for (bytes, reason) in [(vec![0; 5000], "no transport packets"), (Vec::new(), "no transport packets")] {
        assert!(demux(&bytes).error.unwrap().reason.contains(reason));
    }
}

#[test]
fn no_flipped_bits_make_it_panic_or_go_back_in_time() {
    let clip = Clip::new();
    let whole = small(&clip);
    let count = demux(&whole).packets.len();
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed % below as u64) as usize
    };
    for round in 0..150 {
        let mut bytes = whole.clone();
        for _ in 0..1 << (round % 10) {
            let at = next(bytes.len());
            bytes[at] ^= 1 << next(8);
        }
        let played = demux(&bytes);
        for track in 0..played.tracks.len() {
            let times: Vec<_> =
                played.packets.iter().filter(|packet| packet.track == track).map(|packet| packet.dts).collect();
            assert!(times.is_sorted_by(|a, b| a < b), "round {round}: decoding times grow");
        }
        assert!(
            played.error.is_some() || round % 10 > 4 || played.packets.len() * 2 > count,
            "round {round}: {}",
            played.packets.len()
        );
    }
}
