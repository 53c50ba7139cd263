//! What a plan takes over of a source beside pictures and sound: subtitles, closed captions and chapters.

use media_types::segment::{CaptionChannel, Roles};
use media_types::{
    ChapterProbe, EncodePlan, PlannedChapter, ProbeReport, Rational, StreamClock, TextPlan, TextProbe, VideoProbe,
    language,
};

use crate::exact::TimeBase;
use crate::plan::own_names;

/// Text tracks of a presentation.
const MAX_TEXTS: usize = 32;
/// Chapters that are looked at.
const MAX_CHAPTERS: usize = 1000;
/// Caption channels that are looked for: those of line 21, and the services that are in use.
const CHANNELS: [CaptionChannel; 10] = {
    use CaptionChannel::{Line21, Service};
    [Line21(1), Line21(2), Line21(3), Line21(4), Service(1), Service(2), Service(3), Service(4), Service(5), Service(6)]
};
/// The clock of chapters.
const MICROSECONDS: Rational = Rational { num: 1, den: 1_000_000 };

/// What is presentation time 0: a source time, and the base that it counts in.
pub(crate) type Origin = (i64, TimeBase);

/// Adds text tracks and chapters to the plan of pictures or sound, on their clock.
pub(crate) fn add(report: &ProbeReport, (origin_pts, base): Origin, plan: &mut EncodePlan, warnings: &mut Vec<String>) {
    if report.text.len() > MAX_TEXTS {
        warnings.push(format!("only the first {MAX_TEXTS} of {} subtitle tracks are used", report.text.len()));
    }
    let tracks = report.text.iter().take(MAX_TEXTS);
    let clock = shared_clock(report);
    let own_base = |probe: &TextProbe| TimeBase::new(probe.time_base).ok();
    plan.text = tracks.filter_map(|probe| Some(planned(probe, own_base(probe)?, (origin_pts, base), &clock))).collect();
    let names = own_names(plan.text.iter().map(|text| text.language.as_str()));
    plan.text.iter_mut().zip(names).for_each(|(text, name)| text.name = name);

    // A player shows at most one track unasked. Containers call each of their tracks the default one unless told otherwise,
    // which says nothing.
    let chosen = plan.text.iter().position(|text| text.roles.default && !text.roles.forced);
    let meant = plan.text.iter().any(|text| !text.roles.default);
    for (position, text) in plan.text.iter_mut().enumerate() {
        text.roles.default = meant && Some(position) == chosen;
    }

    // What comes of a channel is known when all pictures were looked at: tracks that say nothing are left out then.
    let pictures = report.video.as_ref().filter(|video| video.captions && plan.video.is_some());
    plan.text.extend(pictures.map(|video| captions(video, origin_pts, plan)).into_iter().flatten());

    let Ok(clock) = TimeBase::new(MICROSECONDS) else { return };
    let origin_us = clock.nearest_pts(origin_pts, base);
    let chapters = report.chapters.iter().take(MAX_CHAPTERS);
    plan.chapters = chapters.filter_map(|chapter| moved(chapter, origin_us, plan.duration_ms)).collect();
}

/// That of the pictures, or of the first sound: where times jump, those of all streams do, and all count alike.
fn shared_clock(report: &ProbeReport) -> StreamClock {
    let sound = report.audio.first().map(|sound| &sound.clock);
    report.video.as_ref().map(|video| &video.clock).or(sound).cloned().unwrap_or_default()
}

fn planned(probe: &TextProbe, own: TimeBase, (origin_pts, base): Origin, clock: &StreamClock) -> TextPlan {
    let language = probe.language.as_deref().and_then(language::canonical);
    TextPlan {
        name: String::new(),
        stream_index: probe.stream_index,
        source_time_base: probe.time_base,
        origin_pts: own.nearest_pts(origin_pts, base),
        language: language.unwrap_or_else(|| language::UNKNOWN.to_owned()),
        label: probe.title.clone(),
        roles: probe.roles,
        channel: None,
        page: probe.page,
        clock: clock.clone(),
    }
}

/// A track for each channel of captions inside the pictures, whose clock `origin_pts` is of.
fn captions(video: &VideoProbe, origin_pts: i64, plan: &EncodePlan) -> Vec<TextPlan> {
    let spoken = plan.audio.first().map_or(language::UNKNOWN, |sound| &sound.language);
    let track = |channel: CaptionChannel| TextPlan {
        name: channel.to_string().to_ascii_lowercase().replace(' ', "-"),
        stream_index: video.stream_index,
        source_time_base: video.time_base,
        origin_pts,
        language: if channel.is_primary() { spoken } else { language::UNKNOWN }.to_owned(),
        label: Some(channel.to_string()),
        roles: Roles::default(),
        channel: Some(channel),
        page: None,
        clock: video.clock.clone(),
    };
    CHANNELS.map(track).to_vec()
}

/// A chapter on the presentation's clock; `None` when nothing of it is presented.
fn moved(chapter: &ChapterProbe, origin_us: i64, duration_ms: i64) -> Option<PlannedChapter> {
    let end_of_all = u64::try_from(duration_ms.saturating_mul(1000)).ok()?;
    let start_us = chapter.start_us.saturating_sub(origin_us).max(0).unsigned_abs();
    let end_us = u64::try_from(chapter.end_us.saturating_sub(origin_us)).ok()?.min(end_of_all);
    (start_us < end_us).then(|| PlannedChapter { start_us, end_us, title: chapter.title.clone() })
}
