//! Subtitles, roles and names in playlists and the MPD.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Packed, audio, bare, scale, video};
use media_types::segment::Roles;
use media_types::{CodecConfig, MediaTime, Sample, TrackKind, TrackRecord};
use packager::{
    DashText, FileLayout, PackageError, Presentation, average_bitrate_bps, media_playlist, mpd, multivariant_playlist,
    peak_bitrate_bps, text_files,
};
use proptest::prelude::*;

const PLAIN: Roles =
    Roles { default: false, forced: false, hearing_impaired: false, visual_impaired: false, commentary: false };
const SDH: Roles = Roles { hearing_impaired: true, ..PLAIN };
const FORCED: Roles = Roles { forced: true, ..PLAIN };
const COMMENTARY: Roles = Roles { commentary: true, ..PLAIN };
const DESCRIBED: Roles = Roles { visual_impaired: true, ..PLAIN };
const DEFAULT: Roles = Roles { default: true, ..PLAIN };

fn present(tracks: &[TrackRecord]) -> Presentation<'_> {
    Presentation { tracks, ..Presentation::default() }
}

/// Subtitles on the grid of 192 pictures, with WebVTT files of 1000 bytes.
fn text(name: &str, language: &str, roles: Roles) -> TrackRecord {
    let empty = |segment: i64| {
        let at = segment * 96_096;
        vec![Sample { dts: at, pts: at, duration: 96_096, keyframe: true, data: b"\0\0\0\x08vtte"[..].into() }]
    };
    let config = CodecConfig::Wvtt(b"WEBVTT"[..].into());
    let track = Packed::new(bare(name, TrackKind::Text, scale(24_000), config), (0..2).map(empty)).track;
    TrackRecord { language: language.into(), roles, webvtt_sizes: vec![1000; 2], ..track }
}

fn sound(name: &str, language: &str, roles: Roles) -> TrackRecord {
    TrackRecord { roles, ..audio(name, language, 192).track }
}

/// The lines of one type of rendition, from NAME on.
fn renditions(playlist: &str, kind: &str) -> Vec<String> {
    let start = format!("#EXT-X-MEDIA:TYPE={kind},");
    let lines = playlist.lines().filter(|line| line.starts_with(&start));
    lines.map(|line| line[line.find("NAME=").unwrap()..].to_owned()).collect()
}

/// The adaptation sets of one kind of content.
fn sets(mpd: &str, kind: &str) -> Vec<String> {
    let kind = format!("contentType=\"{kind}\"");
    mpd.split("<AdaptationSet").skip(1).filter(|set| set.contains(&kind)).map(str::to_owned).collect()
}

fn role(value: &str) -> String {
    format!("<Role schemeIdUri=\"urn:mpeg:dash:role:2011\" value=\"{value}\"/>")
}

#[test]
fn subtitles_are_one_group_that_every_variant_names() {
    let tracks = [
        video(360, 192).track,
        video(720, 192).track,
        sound("audio-en", "en", PLAIN),
        text("text-de", "deu", PLAIN),
        text("text-en-sdh", "en", SDH),
        text("text-en-forced", "en", FORCED),
    ];
    let presentation = Presentation { tracks: &tracks, uri_prefix: "g2/", ..Presentation::default() };
    let playlist = multivariant_playlist(&presentation).unwrap();
    assert!(playlist.contains(
        "#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"text\",LANGUAGE=\"de\",NAME=\"de\",DEFAULT=NO,AUTOSELECT=YES,FORCED=NO,\
         URI=\"g2/text-de/media.m3u8\"\n"
    ));
    assert_eq!(
        renditions(&playlist, "SUBTITLES")[1..],
        [
            "NAME=\"en (SDH)\",DEFAULT=NO,AUTOSELECT=YES,CHARACTERISTICS=\
             \"public.accessibility.transcribes-spoken-dialog,public.accessibility.describes-music-and-sound\",FORCED=NO,\
             URI=\"g2/text-en-sdh/media.m3u8\"",
            "NAME=\"en (forced)\",DEFAULT=NO,AUTOSELECT=YES,FORCED=YES,URI=\"g2/text-en-forced/media.m3u8\"",
        ]
    );
    assert_eq!(playlist.matches("#EXT-X-STREAM-INF").count(), playlist.matches(",SUBTITLES=\"text\"\n").count());
}

#[test]
fn bandwidth_counts_the_dearest_subtitles_as_they_are_in_hls() {
    let tracks = [video(360, 192).track, text("text-de", "de", PLAIN), text("text-en", "en", PLAIN)];
    let playlist = multivariant_playlist(&present(&tracks)).unwrap();
    let webvtt = (1000u64 * 8 * 24_000).div_ceil(96_096);
    let (peak, average) = (peak_bitrate_bps(&tracks[0]) + webvtt, average_bitrate_bps(&tracks[0]) + webvtt);
    assert!(playlist.contains(&format!(":BANDWIDTH={peak},AVERAGE-BANDWIDTH={average},")), "{playlist}");
}

#[test]
fn a_subtitle_playlist_lists_webvtt_files_in_every_layout() {
    let tracks = [video(360, 192).track, text("text-de", "de", PLAIN)];
    for layout in [FileLayout::Segments, FileLayout::SingleFile] {
        let presentation = Presentation { tracks: &tracks, layout, ..Presentation::default() };
        assert_eq!(
            media_playlist(&presentation, &tracks[1]).unwrap(),
            "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:4\n#EXT-X-MEDIA-SEQUENCE:1\n#EXT-X-PLAYLIST-TYPE:VOD\n\
             #EXT-X-INDEPENDENT-SEGMENTS\n#EXTINF:4.004000,\n00001.vtt\n#EXTINF:4.004000,\n00002.vtt\n#EXT-X-ENDLIST\n"
        );
        let manifest = mpd(&presentation).unwrap();
        assert_eq!(manifest.contains("<BaseURL>text-de/media.mp4</BaseURL>"), layout == FileLayout::SingleFile);
    }
}

#[test]
fn subtitles_stand_beside_sound_alone_but_not_alone() {
    let tracks = [sound("audio-en", "en", PLAIN), text("text-de", "de", PLAIN)];
    let playlist = multivariant_playlist(&present(&tracks)).unwrap();
    assert!(playlist.contains(",SUBTITLES=\"text\"\naudio-en/media.m3u8\n"), "{playlist}");
    let alone = &tracks[1..];
    assert!(matches!(multivariant_playlist(&present(alone)), Err(PackageError::Track(_))));
    assert!(matches!(mpd(&present(alone)), Err(PackageError::Track(_))));
}

#[test]
fn text_without_webvtt_files_is_for_dash_alone() {
    let tracks = [video(360, 192).track, TrackRecord { webvtt_sizes: vec![], ..text("text-de", "de", PLAIN) }];
    let presentation = present(&tracks);
    let files = text_files(&presentation).unwrap();
    assert!(!multivariant_playlist(&presentation).unwrap().contains("text"));
    assert!(files.iter().all(|file| !file.path.starts_with("text-de/")));
    assert_eq!(sets(&mpd(&presentation).unwrap(), "text").len(), 1);
    let tracks = [video(360, 192).track, TrackRecord { webvtt_sizes: vec![1], ..text("text-de", "de", PLAIN) }];
    assert!(matches!(multivariant_playlist(&present(&tracks)), Err(PackageError::Track(_))));
}

#[test]
fn the_mpd_says_what_each_text_is_for() {
    let stpp = CodecConfig::Stpp(b"http://www.w3.org/ns/ttml\0\0\0"[..].into());
    let tracks = [
        video(360, 192).track,
        TrackRecord { config: stpp, ..text("text-de", "de", DEFAULT) },
        text("text-en-sdh", "en", SDH),
        text("text-en-forced", "en", FORCED),
        text("text-en-commentary", "en", COMMENTARY),
    ];
    let sets = sets(&mpd(&present(&tracks)).unwrap(), "text");
    assert!(sets.iter().all(|set| set.contains("mimeType=\"application/mp4\"") && set.contains("<S t=\"0\" d=\"96096\" r=\"1\"/>")));
    let purpose = "<Accessibility schemeIdUri=\"urn:tva:metadata:cs:AudioPurposeCS:2007\" value=\"2\"/>";
    for (set, (lang, codec, roles, impaired)) in sets.iter().zip([
        ("de", "stpp.ttml.im1t", &["subtitle", "main"][..], false),
        ("en", "wvtt", &["caption"], true),
        ("en", "wvtt", &["forced-subtitle"], false),
        ("en", "wvtt", &["subtitle", "commentary"], false),
    ]) {
        assert!(set.contains(&format!("lang=\"{lang}\"")) && set.contains(&format!("codecs=\"{codec}\"")), "{set}");
        assert_eq!(set.matches("<Role").count(), roles.len(), "{set}");
        assert!(roles.iter().all(|value| set.contains(&role(value))), "{set}");
        assert_eq!(set.contains(purpose), impaired, "{set}");
    }
    assert_eq!(sets.len(), 4);
}

#[test]
fn whole_webvtt_files_are_named_with_the_bit_rate_and_purpose_of_their_segments() {
    let stpp = CodecConfig::Stpp(b"http://www.w3.org/ns/ttml\0\0\0"[..].into());
    let noted = TrackRecord { label: Some("Notes".into()), ..text("text-de", "de", DEFAULT) };
    let forced = TrackRecord { config: stpp, webvtt_sizes: vec![900, 2000], ..text("text-en-forced", "en", FORCED) };
    let tracks = [video(360, 192).track, noted, text("text-en-sdh", "en", SDH), forced];
    for layout in [FileLayout::Segments, FileLayout::SingleFile] {
        let whole = Presentation { layout, uri_prefix: "g2/", dash_text: DashText::WebVtt, ..present(&tracks) };
        let cmaf = Presentation { dash_text: DashText::Cmaf, ..whole };
        assert_eq!(multivariant_playlist(&whole).unwrap(), multivariant_playlist(&cmaf).unwrap());
        let (as_file, as_track) = (sets(&mpd(&whole).unwrap(), "text"), sets(&mpd(&cmaf).unwrap(), "text"));
        assert_eq!(as_file.len(), 3);
        for ((set, segmented), (track, size)) in
            as_file.iter().zip(&as_track).zip(tracks[1..].iter().zip([1000, 1000, 2000]))
        {
            let bps = (size * 8 * 24_000_u64).div_ceil(96_096);
            let (name, url) = (&track.name, format!("g2/{}/subtitles.vtt", track.name));
            let one =
                format!("<Representation id=\"{name}\" bandwidth=\"{bps}\"><BaseURL>{url}</BaseURL></Representation>");
            assert!(set.contains(&one) && set.contains(" mimeType=\"text/vtt\""), "{set}");
            for unsaid in ["Segment", "codecs", "segmentAlignment", "startWithSAP", "presentationTimeOffset"] {
                assert!(!set.contains(unsaid), "{unsaid}: {set}");
            }
            // What the set says of its content is the same.
            let about = |set: &str| {
                set[set.find('>').unwrap()..]
                    .split("<Segment")
                    .next()
                    .unwrap()
                    .split("<Repr")
                    .next()
                    .unwrap()
                    .to_owned()
            };
            assert_eq!(about(set), about(segmented));
            assert!(set.contains(&format!(" lang=\"{}\"", track.language)), "{set}");
        }
        assert!(as_file[0].contains("<Label>Notes</Label>") && as_file[2].contains(&role("forced-subtitle")));
    }
}

#[test]
fn whole_webvtt_files_go_with_one_period_and_with_webvtt_segments() {
    let tracks = [video(360, 192).track, text("text-de", "de", PLAIN)];
    let whole = Presentation { dash_text: DashText::WebVtt, ..present(&tracks) };
    assert!(whole.is_cmaf(&tracks[0]) && !whole.is_cmaf(&tracks[1]) && present(&tracks).is_cmaf(&tracks[1]));
    let starts = [MediaTime::new(96_096, scale(24_000))];
    let told = mpd(&Presentation { periods: &starts, ..whole }).unwrap_err().to_string();
    assert!(told.contains("whole WebVTT files cannot be told in several periods"), "{told}");
    mpd(&Presentation { periods: &starts, tracks: &tracks[..1], ..whole }).unwrap();
    let bare = [tracks[0].clone(), TrackRecord { webvtt_sizes: vec![], ..tracks[1].clone() }];
    assert!(matches!(mpd(&Presentation { tracks: &bare, ..whole }), Err(PackageError::Track(_))));
}

#[test]
fn the_default_is_what_the_source_says_and_only_one() {
    let tracks = [
        video(360, 192).track,
        sound("audio-de", "de", PLAIN),
        sound("audio-en", "en", DEFAULT),
        text("text-de", "de", PLAIN),
        text("text-en", "en", DEFAULT),
        text("text-fr", "fr", DEFAULT),
        text("text-fr-forced", "fr", Roles { default: true, ..FORCED }),
    ];
    let playlist = multivariant_playlist(&present(&tracks)).unwrap();
    let default: Vec<_> = playlist.lines().filter(|line| line.contains("DEFAULT=YES")).collect();
    assert_eq!(default.len(), 2);
    assert!(default[0].contains("audio-en/") && default[1].contains("text-en/"));
    let manifest = mpd(&present(&tracks)).unwrap();
    let sound = sets(&manifest, "audio");
    assert!(sound[0].contains(&role("dub")) && sound[1].contains(&role("main")));
}

#[test]
fn sound_for_other_purposes_says_so() {
    let tracks = [
        video(360, 192).track,
        sound("audio-en", "en", PLAIN),
        sound("audio-en-2", "eng", PLAIN),
        sound("audio-en-3", "en", DESCRIBED),
        sound("audio-en-4", "en", COMMENTARY),
        sound("audio-de", "de", PLAIN),
        sound("audio-und", "und", PLAIN),
    ];
    let playlist = multivariant_playlist(&present(&tracks)).unwrap();
    let listed: Vec<_> = renditions(&playlist, "AUDIO");
    let about: Vec<_> = listed.iter().map(|line| line.split(",CHANNELS").next().unwrap()).collect();
    assert_eq!(
        about,
        [
            "NAME=\"en\",DEFAULT=YES,AUTOSELECT=YES",
            "NAME=\"en 2\",DEFAULT=NO,AUTOSELECT=NO",
            "NAME=\"en (described)\",DEFAULT=NO,AUTOSELECT=YES,CHARACTERISTICS=\"public.accessibility.describes-video\"",
            "NAME=\"en (commentary)\",DEFAULT=NO,AUTOSELECT=NO",
            "NAME=\"de\",DEFAULT=NO,AUTOSELECT=YES",
            "NAME=\"Audio\",DEFAULT=NO,AUTOSELECT=YES",
        ]
    );
    let sets = sets(&mpd(&present(&tracks)).unwrap(), "audio");
    for (set, value) in sets.iter().zip(["main", "alternate", "description", "commentary", "dub", "alternate"]) {
        assert!(set.contains(&role(value)), "{value}: {set}");
    }
    let purpose = "<Accessibility schemeIdUri=\"urn:tva:metadata:cs:AudioPurposeCS:2007\" value=\"1\"/>";
    assert_eq!(sets.iter().filter(|set| set.contains(purpose)).count(), 1);
    assert!(sets[2].contains(purpose));
}

#[test]
fn equal_labels_get_numbers() {
    let labelled = |name: &str| TrackRecord { label: Some("Notes".into()), ..text(name, "de", PLAIN) };
    let tracks = [video(360, 192).track, labelled("text-1"), labelled("text-2"), labelled("text-3")];
    let playlist = multivariant_playlist(&present(&tracks)).unwrap();
    let names: Vec<_> =
        renditions(&playlist, "SUBTITLES").iter().map(|line| line.split(',').next().unwrap().to_owned()).collect();
    assert_eq!(names, ["NAME=\"Notes\"", "NAME=\"Notes 2\"", "NAME=\"Notes 3\""]);
    assert_eq!(playlist.matches("AUTOSELECT=YES").count(), 1);
}

proptest! {
    #[test]
    fn no_label_breaks_a_playlist_or_the_mpd(label in any::<String>(), wild in "[\"'<>&\\r\\n\\x00-\\x1f\u{fffe}a,=]{0,200}") {
        for label in [label, wild] {
            let tracks = [
                video(360, 96).track,
                TrackRecord { label: Some(label.clone()), ..sound("audio-en", "en", PLAIN) },
                TrackRecord { label: Some(label), ..sound("audio-de", "de", PLAIN) },
            ];
            let presentation = present(&tracks);
            let files = text_files(&presentation).unwrap();
            for file in &files {
                prop_assert!(std::str::from_utf8(&file.bytes).is_ok(), "{}", file.path);
            }
            m3u8_rs::parse_master_playlist_res(multivariant_playlist(&presentation).unwrap().as_bytes()).unwrap();
            dash_mpd_core::parse(&mpd(&presentation).unwrap()).unwrap();
            let playlist = multivariant_playlist(&presentation).unwrap();
            for line in renditions(&playlist, "AUDIO") {
                prop_assert_eq!(line.matches('"').count(), 6, "{}", line);
            }
        }
    }
}
