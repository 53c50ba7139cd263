#![allow(clippy::unwrap_used)]
use bytes::Bytes;
use media_types::{DynamicRange, FilmGrid, FrameMap, FrameRate, Rational, Shown, Timescale, VideoEncoding};
use pipeline::{Colours, Judge, VideoSetup};

use super::*;

fn stream(codec: SourceCodec, setup: &'static [u8]) -> CodedStream {
    CodedStream {
        codec,
        setup: Bytes::from_static(setup),
        width: 1920,
        height: 1080,
        time_base: Rational { num: 1, den: 90_000 },
        colours: Colours { primaries: 1, transfer: 1, matrix: 1 },
        unusual: None,
    }
}

fn order() -> RangeOrder {
    let encoding = VideoEncoding {
        codec: VideoCodec::H264,
        preset: "veryfast".to_owned(),
        crf: 22.5,
        max_bitrate_bps: 3_000_000,
        buffer_bits: 6_000_000,
        tune: None,
        dynamic_range: DynamicRange::Sdr,
    };
    RangeOrder {
        video: VideoSetup {
            stream_index: 0,
            source_time_base: Rational { num: 1, den: 90_000 },
            clock: Default::default(),
            rotation: Rotation::None,
            deinterlace: false,
            film: None,
            hdr: None,
            frame_rate: FrameRate::new(25, 1).unwrap(),
            timescale: Timescale::NINETY_KHZ,
            frame_ticks: 3600,
            gop_frames: 50,
        },
        first_frame: 0,
        pictures: FrameMap(vec![Shown { source_pts: 0, frames: 1 }]),
        renditions: vec![Rendition { name: "720p".to_owned(), width: 1280, height: 720, encoding, frame_step: 1 }],
        judge: None,
        careful: false,
    }
}

fn graph(profile: &str, order: &RangeOrder) -> Graph {
    Graph::new(&profile.parse().unwrap(), &stream(SourceCodec::H264, &[1, 100]), order).unwrap()
}

/// Elements by name; forms with their memory, or only that there is one.
fn words(chain: &Chain) -> String {
    let word = |step: &Step| match step {
        Step::Element(name, _) => (*name).to_owned(),
        Step::Form(form) if form.contains("memory:CUDA") => "(cuda)".to_owned(),
        Step::Form(form) if form.contains("memory:VA") => "(va)".to_owned(),
        Step::Form(form) if form.starts_with("video/x-raw") => "(raw)".to_owned(),
        Step::Form(_) => "(h264)".to_owned(),
    };
    chain.iter().map(word).collect::<Vec<_>>().join(" ")
}

#[test]
fn pictures_stay_on_the_device_as_long_as_it_has_a_use_for_them() {
    let tail = "(h264) h264parse (h264)";
    for (profile, decode, encode) in [
        (
            "nvh264dec+cudaconvertscale+nvcudah264enc@a",
            "h264parse nvh264dec (cuda)",
            "cudaconvertscale (cuda) nvcudah264enc",
        ),
        (
            "nvh264dec+cudaconvertscale+x264enc@a",
            "h264parse nvh264dec (cuda)",
            "cudaconvertscale (cuda) cudadownload videoconvertscale (raw) x264enc",
        ),
        ("nvh264dec+nvh264enc@a", "h264parse nvh264dec (raw)", "videoconvertscale (raw) nvh264enc"),
        ("vah264dec+vapostproc+vah264enc@a", "h264parse vah264dec (va)", "vapostproc (va) vah264enc"),
        ("avdec_h264+x264enc@processor", "h264parse avdec_h264 (raw)", "videoconvertscale (raw) x264enc"),
    ] {
        let graph = graph(profile, &order());
        assert_eq!(words(&graph.decode), decode, "{profile}");
        assert_eq!(words(&graph.encode[0]), format!("{encode} {tail}"), "{profile}");
        assert_eq!(graph.may_hold, !profile.contains("x264enc"), "{profile}");
    }
}

#[test]
fn what_is_turned_is_turned_by_the_processor_before_it_is_scaled() {
    let mut turned = order();
    turned.video.rotation = Rotation::RightMirrored;
    let graph = graph("nvh264dec+cudaconvertscale+nvcudah264enc@a", &turned);
    assert_eq!(words(&graph.decode), "h264parse nvh264dec (raw)");
    let Step::Element("videoflip", told) = &graph.encode[0][0] else { panic!("{:?}", graph.encode) };
    assert_eq!(told, &[("video-direction", "ul-lr".to_owned())]);
    assert!(words(&graph.encode[0]).starts_with("videoflip videoconvertscale (raw) nvcudah264enc"));
}

#[test]
fn an_encoder_is_told_the_quality_and_the_cap_of_its_rendition() {
    let told = |profile: &str, encoder: &str| {
        let chain = graph(profile, &order()).encode.remove(0);
        let of = |step: Step| match step {
            Step::Element(name, told) if name == encoder => Some(told),
            _ => None,
        };
        chain.into_iter().find_map(of).unwrap()
    };
    let x264 = told("avdec_h264+x264enc@processor", "x264enc");
    let option = x264.iter().find(|(name, _)| *name == "option-string").unwrap();
    assert_eq!(option.1, "crf=22.5:vbv-maxrate=3000:vbv-bufsize=6000:keyint=50:min-keyint=50:scenecut=0");
    let nv = told("nvh264dec+nvcudah264enc@a", "nvcudah264enc");
    for (name, value) in [("const-quality", "23"), ("max-bitrate", "3000"), ("vbv-buffer-size", "6000")] {
        assert!(nv.contains(&(name, value.to_owned())), "{nv:?}");
    }
    let form = |chain: &Chain| format!("{chain:?}").contains("width=1280, height=720, pixel-aspect-ratio=1/1");
    assert!(form(&graph("nvh264dec+nvcudah264enc@a", &order()).encode[0]));
}

#[test]
fn coded_pictures_go_in_as_their_container_has_them() {
    let form = |codec, setup| coded_form(&stream(codec, setup));
    assert!(form(SourceCodec::H264, &[1, 100]).contains("stream-format=avc"));
    assert!(form(SourceCodec::H264, &[0, 0, 0, 1, 0x67]).contains("byte-stream"));
    assert!(form(SourceCodec::Hevc, &[1]).contains("stream-format=hvc1"));
    assert!(form(SourceCodec::Hevc, &[]).contains("byte-stream"));
    assert!(form(SourceCodec::Av1, &[0x81]).contains("obu-stream"));
    assert!(has_record(&stream(SourceCodec::Av1, &[0x81])) && !has_record(&stream(SourceCodec::Vp9, &[1])));
}

#[test]
fn what_a_graph_does_not_serve_is_said() {
    let said = |change: &dyn Fn(&mut CodedStream, &mut RangeOrder)| {
        let (mut stream, mut order) = (stream(SourceCodec::H264, &[1]), order());
        change(&mut stream, &mut order);
        Graph::new(&"nvh264dec+x264enc@a".parse().unwrap(), &stream, &order).unwrap_err()
    };
    let judge = Judge {
        first_frames: vec![0],
        frame_count: 1,
        every: 1,
        width: 64,
        height: 36,
        may_be_left_out: false,
        by_vmaf: false,
    };
    assert!(said(&|_, order| order.judge = Some(judge.clone())).contains("judged"));
    assert!(said(&|_, order| order.video.deinterlace = true).contains("deinterlaced"));
    let film = FilmGrid { origin_pts: 0, rate: FrameRate::new(24, 1).unwrap() };
    assert!(said(&|_, order| order.video.film = Some(film)).contains("film"));
    assert!(said(&|_, order| order.renditions[0].encoding.codec = VideoCodec::Av1).contains("av1"));
    assert!(said(&|stream, _| stream.unusual = Some("its pictures have wide colours")).contains("wide"));
    assert!(said(&|stream, _| stream.codec = SourceCodec::Hevc).contains("no decoder"));
    assert!(said(&|stream, _| stream.time_base = Rational { num: 0, den: 1 }).contains("clock"));
}
