//! What a file says of its tracks.

use media_types::EncodePlan;
use media_types::segment::Roles;
use pipeline::{CollectingSink, Engine, TextCue, TextOrder};

use crate::media::{Folder, open, planned};

/// Sound in three tracks: one that states its language, a commentary, and a described one that states nothing else.
const SOUNDS: &str = "-f lavfi -i sine=f=440:d=1 -map 0 -map 0 -map 0 -metadata:s:a:0 language=eng \
    -metadata:s:a:1 language=fra -disposition:a:0 default -disposition:a:1 comment -disposition:a:2 visual_impaired";

#[test]
fn languages_titles_and_roles_of_sound_tracks_are_probed() {
    let folder = Folder::new();
    let titles =
        [("mkv", "-c:a aac -metadata:s:a:1 title=Regie"), ("mp4", "-c:a aac -metadata:s:a:1 handler_name=Regie")];
    for (container, title) in titles {
        let file = folder.make(&format!("{SOUNDS} {title} sounds.{container}"));
        let tracks = open(&file).probe().unwrap().audio;
        let said: Vec<_> = tracks.iter().map(|track| (track.language.as_deref(), track.title.as_deref())).collect();
        assert_eq!(said, [(Some("eng"), None), (Some("fra"), Some("Regie")), (None, None)], "{container}");
        assert!(tracks[0].roles.default, "{container}");
        let special = |roles: Roles| (roles.commentary, roles.visual_impaired);
        assert_eq!(special(tracks[0].roles), (false, false), "{container}");
        assert_eq!(special(tracks[1].roles), (true, false), "{container}");
        assert_eq!(special(tracks[2].roles), (false, true), "{container}");
    }
}

const CUES: &str = "1\n00:00:00,500 --> 00:00:01,500\nHello, <i>world</i>\n\n2\n00:00:02,000 --> 00:00:02,250\nA & B\n";
const CHAPTERS: &str = ";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=2000\ntitle=Opening\n\
    [CHAPTER]\nTIMEBASE=1/1000\nSTART=2000\nEND=3000\ntitle=The rest\n";

/// From when to when, in milliseconds, and the text behind the eighth comma.
type Read = (i64, i64, String);

/// The cues of a file's subtitle tracks.
fn read(file: &std::path::Path) -> (EncodePlan, Vec<Vec<Read>>) {
    let (mut engine, _, plan) = planned(file);
    let mut sink = CollectingSink::new(100);
    let order = TextOrder { tracks: plan.text.clone() };
    let summary = engine.read_text(&order, &mut sink).unwrap();
    let told = |cue: &TextCue| {
        let text = cue.event.splitn(9, ',').last().unwrap().to_owned();
        (cue.start_us / 1000, cue.end_us.unwrap() / 1000, text)
    };
    let all: Vec<Vec<_>> = (0..plan.text.len() as u32)
        .map(|track| sink.cues.get(&track).map_or(Vec::new(), |cues| cues.iter().map(told).collect()))
        .collect();
    assert_eq!(summary.cues_per_track, all.iter().map(|cues| cues.len() as u64).collect::<Vec<_>>());
    assert_eq!(summary.lost_packets, 0);
    (plan, all)
}

#[test]
fn subtitles_and_chapters_are_read_on_the_clock_of_the_pictures() {
    let folder = Folder::new();
    std::fs::write(folder.path("en.srt"), CUES).unwrap();
    std::fs::write(folder.path("chapters.txt"), CHAPTERS).unwrap();
    let forms = [("mkv", "srt"), ("mkv", "ass"), ("mkv", "webvtt"), ("mp4", "mov_text")];
    // Recordings that begin at 0, and one whose first picture comes later.
    for (delay_ms, (container, codec)) in forms.into_iter().map(|form| (0, form)).chain([(1400, ("mkv", "srt"))]) {
        let delay = format!("{}.{}", delay_ms / 1000, delay_ms % 1000);
        let output = format!(
            "-f lavfi -itsoffset {delay} -i testsrc2=s=128x72:r=25:d=3 -i @en.srt -i @en.srt -f ffmetadata -i @chapters.txt \
             -map 0 -map 1 -map 2 -map_metadata 3 -map_chapters 3 -c:v libx264 -c:s {codec} -metadata:s:s:0 language=eng \
             -metadata:s:s:1 language=fra -metadata:s:s:1 title=Tout -metadata:s:s:1 handler_name=Tout \
             -disposition:s:0 0 -disposition:s:1 forced -y text.{container}"
        );
        let (plan, cues) = read(&folder.make(&output));
        let names: Vec<_> =
            plan.text.iter().map(|text| (&*text.name, text.label.as_deref(), text.roles.forced)).collect();
        assert_eq!(names, [("en", None, false), ("fr", Some("Tout"), true)], "{container} {codec}");
        for cues in cues {
            let times: Vec<_> = cues.iter().map(|(start, end, _)| (start + delay_ms, end + delay_ms)).collect();
            assert_eq!(times, [(500, 1500), (2000, 2250)], "{container} {codec}");
            let italic = cues[0].2.contains("world") && (codec == "webvtt" || cues[0].2.contains("i1"));
            assert!(italic && cues[1].2.contains("A & B") || cues[1].2.contains("A &amp; B"), "{cues:?}");
        }
        let chapters: Vec<_> = plan.chapters.iter().map(|chapter| (chapter.start_us, &*chapter.title)).collect();
        let second = (2000 - delay_ms as u64) * 1000;
        assert_eq!(chapters, [(0, "Opening"), (second, "The rest")], "{container} {codec}");
    }
}
