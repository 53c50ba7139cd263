//! The encoder takes any input: `tests/media/corpus.sh` makes odd ones, `corpus.json` beside it says what must become of
//! each. What a clip's entry leaves out is as in `usual`.

pub mod measure;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde_json::Value;

use crate::judge;
use measure::{Pictures, Sound};

/// How far a colour may be from the one that was drawn, of 255.
const COLOUR: f64 = 10.0;
/// How far the pictures of a fine pattern may be from it on average, of 255.
const FINE: f64 = 6.0;
/// The longest audio frame in use: 1,152 samples of MPEG layer 3 at 48 kHz.
const AUDIO_FRAME_MS: f64 = 24.0;

#[test]
fn turned_and_mirrored_pictures_come_out_upright() {
    group("turned");
}

#[test]
fn pictures_of_any_shape_keep_it() {
    group("shapes");
}

#[test]
fn interlaced_and_telecined_pictures_come_out_whole() {
    group("fields");
}

#[test]
fn colours_stay_what_they_were_and_are_always_stated() {
    group("colour");
}

#[test]
fn slow_fast_and_varying_rates_keep_their_time() {
    group("rates");
}

#[test]
fn sound_of_any_kind_stays_in_step_with_the_pictures() {
    group("sound");
}

#[test]
fn sound_alone_is_enough() {
    group("sound_alone");
}

#[test]
fn no_clock_moves_sound_against_pictures() {
    group("clocks");
}

#[test]
fn text_and_chapters_beside_the_pictures_come_along() {
    group("text");
}

#[test]
fn of_damaged_recordings_what_is_there_is_used() {
    group("damaged");
}

#[test]
fn every_codec_and_container_in_use_is_taken() {
    group("codecs");
}

#[test]
fn every_clip_has_an_expectation() {
    let book = book();
    let groups = book["groups"].as_object().unwrap().values();
    let mut expected: Vec<String> = groups.flat_map(|group| group.as_object().unwrap().keys().cloned()).collect();
    let names = clips().read_dir().unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut made: Vec<String> = names.filter(|name| !name.starts_with('.')).collect();
    expected.sort();
    made.sort();
    assert_eq!(made, expected);
}

fn book() -> Value {
    let text = std::fs::read_to_string(judge::root().join("tests/media/corpus.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// The folder of the clips, which are made when they are not there or not as the script would make them.
fn clips() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = judge::root().join(".cache/corpus");
        judge::run(Command::new(judge::root().join("tests/media/corpus.sh")).arg(&folder));
        folder
    })
}

fn group(name: &str) {
    let book = book();
    let mut faults = Vec::new();
    for (clip, said) in book["groups"][name].as_object().unwrap() {
        let mut wanted = book["usual"].clone();
        wanted.as_object_mut().unwrap().extend(said.as_object().unwrap().clone());
        faults.extend(check(clip, &wanted).0.into_iter().map(|fault| format!("{clip}: {fault}")));
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// What is not as it should be, each in a sentence.
#[derive(Default)]
struct Faults(Vec<String>);

impl Faults {
    fn same(&mut self, what: &str, found: &Value, wanted: &Value) {
        if found != wanted {
            self.0.push(format!("{what} is {found} instead of {wanted}"));
        }
    }

    fn near(&mut self, what: &str, found: f64, wanted: f64, within: f64) {
        if (found - wanted).abs() > within + 1e-6 {
            self.0.push(format!("{what} is {found} instead of {wanted} (give or take {within:.1})"));
        }
    }

    fn all_near(&mut self, what: &str, found_ms: &[f64], wanted_ms: &[f64], within: f64) {
        self.same(&format!("how often there is a {what}"), &found_ms.len().into(), &wanted_ms.len().into());
        for (&found, &wanted) in found_ms.iter().zip(wanted_ms) {
            self.near(&format!("a {what} in ms"), found, wanted, within);
        }
    }
}

fn check(clip: &str, wanted: &Value) -> Faults {
    let mut faults = Faults::default();
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let mut command = Command::new(judge::lectern());
    command
        .env("PATH", "")
        .args(["--json", "encode", "--ladder"])
        .arg(judge::root().join("tests/media/corpus-ladder.toml"));
    let ended = command.arg("--out").arg(&out).arg(clips().join(clip)).stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8_lossy(&ended.stdout);
    let last: Value = said.lines().last().and_then(|line| serde_json::from_str(line).ok()).unwrap_or_default();
    if let Some(code) = wanted.get("refused") {
        faults.same("the refusal", &last["error"]["code"], code);
        faults.same("the exit code", &ended.status.code().into(), &65.into());
        return faults;
    }
    if !ended.status.success() {
        faults.0.push(format!("refused: {said}"));
        return faults;
    }
    check_words(&last, wanted, &mut faults);
    let flashes_ms = check_pictures(&out, wanted, &mut faults);
    let chapters = std::fs::read_to_string(out.join("chapters.vtt")).unwrap_or_default();
    faults.same("how many chapters there are", &chapters.matches(" --> ").count().into(), &wanted["chapters"]);
    check_sound(&out, wanted, flashes_ms, &mut faults);
    if let Some(cues) = wanted.get("cues") {
        check_cues(&out, cues, &mut faults);
    }
    faults
}

/// The first segment of every track of subtitles has these cues: start and end in milliseconds, and the text.
fn check_cues(out: &Path, wanted: &Value, faults: &mut Faults) {
    for track in playlists(out, "text-") {
        let text = std::fs::read_to_string(track.with_file_name("00001.vtt")).unwrap();
        let ms = |clock: &str| {
            let parts = clock.split([':', '.']).map(|part| part.parse::<u64>().unwrap());
            parts.zip([3_600_000, 60_000, 1000, 1]).map(|(part, unit)| part * unit).sum::<u64>()
        };
        let cue = |block: &str| {
            let (times, said) = block.split_once('\n')?;
            let (from, to) = times.split_once(" --> ")?;
            Some(serde_json::json!([ms(from), ms(to.split(' ').next()?), said.trim_end()]))
        };
        let found: Vec<Value> = text.split("\n\n").filter_map(cue).collect();
        faults.same("what the subtitles say", &found.into(), wanted);
    }
}

fn check_words(result: &Value, wanted: &Value, faults: &mut Faults) {
    let missing = result["missing_pictures"].as_u64().unwrap();
    if missing > wanted["missing"].as_u64().unwrap_or(0) {
        faults.0.push(format!("{missing} pictures are missing"));
    }
    let warnings = result["warnings"].to_string();
    match wanted["says"].as_str() {
        Some(words) if warnings.contains(words) => {}
        None if warnings == "[]" => {}
        _ => faults.same("what it says", &result["warnings"], &wanted["says"]),
    }
}

/// The playlists in folders whose names begin with `kind`.
fn playlists(out: &Path, kind: &str) -> Vec<PathBuf> {
    let folders = out.read_dir().unwrap().map(|entry| entry.unwrap());
    let of_kind = folders.filter(|entry| entry.file_name().to_str().unwrap().starts_with(kind));
    let mut found: Vec<PathBuf> = of_kind.map(|entry| entry.path().join("media.m3u8")).collect();
    found.sort();
    found
}

/// The languages of the tracks of one type, as the multivariant playlist tells them, null where it does not.
fn languages(master: &str, of_type: &str) -> Value {
    let of_type = format!("#EXT-X-MEDIA:TYPE={of_type},");
    let tracks = master.lines().filter(|line| line.starts_with(&of_type));
    let language = |line: &str| Some(line.split_once(",LANGUAGE=\"")?.1.split('"').next()?.to_owned());
    tracks.map(|line| language(line).map_or(Value::Null, Value::String)).collect()
}

/// When the flashes are to begin, in milliseconds: one, or a list of them.
fn flashes_ms(wanted: &Value) -> Vec<f64> {
    let one = std::slice::from_ref(&wanted["flash_ms"]);
    wanted["flash_ms"].as_array().map_or(one, Vec::as_slice).iter().filter_map(Value::as_f64).collect()
}

/// Answers when the flashes begin, in milliseconds.
fn check_pictures(out: &Path, wanted: &Value, faults: &mut Faults) -> Option<Vec<f64>> {
    let found = playlists(out, "video-");
    let expected = wanted["pictures"] != false;
    faults.same("how many tracks of pictures there are", &found.len().into(), &usize::from(expected).into());
    let pictures = Pictures::decode(found.first()?);
    let stated = &pictures.stated;
    let seen = ["color_space", "color_primaries", "color_transfer"].map(|field| stated[field].clone());
    faults.same("the colour description", &seen.to_vec().into(), &wanted["colour"]);
    faults.same("the range", &stated["color_range"], &"tv".into());
    faults.same("the pixel shape", &stated["sample_aspect_ratio"], &"1:1".into());
    faults.same("the size", &vec![stated["width"].clone(), stated["height"].clone()].into(), &wanted["size"]);
    faults.same("the rate", &pictures.frame_rate.as_str().into(), &wanted["rate"]);
    let frame_ms = 1000.0 / pictures.rate;
    let length_ms = pictures.count() as f64 * frame_ms;
    faults.near("the length in ms", length_ms, wanted["seconds"].as_f64().unwrap() * 1000.0, frame_ms);
    for (index, corner) in wanted["corners"].as_array().unwrap().iter().enumerate() {
        let drawn = measure::colour(corner.as_str().unwrap());
        for (channel, (found, drawn)) in ["red", "green", "blue"].iter().zip(pictures.corner(index).iter().zip(drawn)) {
            faults.near(&format!("{channel} in corner {index}"), f64::from(*found), drawn, COLOUR);
        }
    }
    for level in pictures.ground() {
        faults.near("the grey ground", f64::from(level), measure::GROUND, COLOUR);
    }
    if wanted["progressive"] == true {
        faults.near("the bar's odd lines beside its even ones, in pixels,", pictures.combing(), 0.0, 1.0);
    }
    if wanted["fine"] == true {
        faults.near("the fine pattern's error", pictures.fine_error(), 0.0, FINE);
    }
    let flashes: Vec<f64> = pictures.flashes().into_iter().map(|frame| frame as f64 * frame_ms).collect();
    faults.all_near("flash", &flashes, &flashes_ms(wanted), frame_ms);
    Some(flashes)
}

fn check_sound(out: &Path, wanted: &Value, flashes: Option<Vec<f64>>, faults: &mut Faults) {
    let found = playlists(out, "audio-");
    let master = std::fs::read_to_string(out.join("master.m3u8")).unwrap();
    // Sound alone is the variant itself (RFC 8216 §4.3.4.2).
    if wanted["pictures"] != false {
        faults.same("the languages of the sound", &languages(&master, "AUDIO"), &wanted["sound"]);
    }
    faults.same(
        "how many tracks of sound there are",
        &found.len().into(),
        &wanted["sound"].as_array().unwrap().len().into(),
    );
    faults.same("the languages of the subtitles", &languages(&master, "SUBTITLES"), &wanted["subtitles"]);
    let beeps_ms = flashes.unwrap_or_else(|| flashes_ms(wanted));
    for track in found {
        let sound = Sound::decode(&track);
        faults.same("the number of channels", &sound.channels.into(), &wanted["channels"]);
        faults.same("the sample rate", &sound.rate.into(), &wanted["sample_rate"]);
        // Two frames of AAC: one of priming, and the last one is filled up.
        faults.near("the sound's length in ms", sound.length_ms(), wanted["seconds"].as_f64().unwrap() * 1000.0, 80.0);
        faults.all_near("beep", &sound.beeps_ms(), &beeps_ms, AUDIO_FRAME_MS);
    }
}
