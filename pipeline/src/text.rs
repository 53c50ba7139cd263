//! What a plan takes over of a source beside pictures and sound: subtitles and chapters.

use media_types::{ChapterProbe, EncodePlan, PlannedChapter, ProbeReport, Rational, TextPlan, TextProbe, language};

use crate::exact::TimeBase;
use crate::plan::own_names;

/// Text tracks of a presentation.
const MAX_TEXTS: usize = 32;
/// Chapters that are looked at.
const MAX_CHAPTERS: usize = 1000;
/// The clock of chapters.
const MICROSECONDS: Rational = Rational { num: 1, den: 1_000_000 };

/// Adds text tracks and chapters to the plan of pictures or sound, on their clock.
pub(crate) fn add(report: &ProbeReport, plan: &mut EncodePlan, warnings: &mut Vec<String>) {
    let Some((origin_pts, base)) = origin(plan) else { return };
    if report.text.len() > MAX_TEXTS {
        warnings.push(format!("only the first {MAX_TEXTS} of {} subtitle tracks are used", report.text.len()));
    }
    let tracks = report.text.iter().take(MAX_TEXTS);
    plan.text =
        tracks.filter_map(|probe| planned(probe, TimeBase::new(probe.time_base).ok()?, origin_pts, base)).collect();
    let names = own_names(plan.text.iter().map(|text| text.language.as_str()));
    plan.text.iter_mut().zip(names).for_each(|(text, name)| text.name = name);

    // A player shows at most one track unasked. Containers call each of their tracks the default one unless told otherwise,
    // which says nothing.
    let chosen = plan.text.iter().position(|text| text.roles.default && !text.roles.forced);
    let meant = plan.text.iter().any(|text| !text.roles.default);
    for (position, text) in plan.text.iter_mut().enumerate() {
        text.roles.default = meant && Some(position) == chosen;
    }

    let Ok(clock) = TimeBase::new(MICROSECONDS) else { return };
    let origin_us = clock.nearest_pts(origin_pts, base);
    let chapters = report.chapters.iter().take(MAX_CHAPTERS);
    plan.chapters = chapters.filter_map(|chapter| moved(chapter, origin_us, plan.duration_ms)).collect();
}

/// What is presentation time 0, and in which base.
fn origin(plan: &EncodePlan) -> Option<(i64, TimeBase)> {
    let pictures = plan
        .video
        .as_ref()
        .and_then(|video| Some((video.frame_map.0.first()?.source_pts, TimeBase::new(video.source_time_base).ok()?)));
    let sound =
        || plan.audio.first().and_then(|audio| Some((audio.origin_pts, TimeBase::new(audio.source_time_base).ok()?)));
    pictures.or_else(sound)
}

fn planned(probe: &TextProbe, own: TimeBase, origin_pts: i64, base: TimeBase) -> Option<TextPlan> {
    let language = probe.language.as_deref().and_then(language::canonical);
    Some(TextPlan {
        name: String::new(),
        stream_index: probe.stream_index,
        source_time_base: probe.time_base,
        origin_pts: own.nearest_pts(origin_pts, base),
        language: language.unwrap_or_else(|| language::UNKNOWN.to_owned()),
        label: probe.title.clone(),
        roles: probe.roles,
    })
}

/// A chapter on the presentation's clock; `None` when nothing of it is presented.
fn moved(chapter: &ChapterProbe, origin_us: i64, duration_ms: i64) -> Option<PlannedChapter> {
    let end_of_all = u64::try_from(duration_ms.saturating_mul(1000)).ok()?;
    let start_us = chapter.start_us.saturating_sub(origin_us).max(0).unsigned_abs();
    let end_us = u64::try_from(chapter.end_us.saturating_sub(origin_us)).ok()?.min(end_of_all);
    (start_us < end_us).then(|| PlannedChapter { start_us, end_us, title: chapter.title.clone() })
}
