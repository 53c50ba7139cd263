//! VMAF of renditions, by the libvmaf that `make test` builds.

use std::path::Path;

use pipeline::{Quality, RangeOrder};

use crate::decoding::encode;
use crate::media::{Folder, planned};

/// Loads it into this process, which stays so for all of its tests.
pub(crate) fn load() {
    let named = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.cache/libvmaf-path");
    let path = std::fs::read_to_string(named).expect("run `make test`, which builds it");
    let version = engine_libav::load_libvmaf(path.trim()).unwrap();
    assert!(version.starts_with("3."), "{version}");
}

/// Two seconds of a filter's pictures in three rate factors, judged at so many pictures of a run.
fn judged(folder: &Folder, pictures: &str, looked_at: u32) -> Vec<Quality> {
    let file = folder.make(&format!("-f lavfi -i {pictures} -c:v libx264 -crf 5 -pix_fmt yuv420p source.mp4"));
    let (mut engine, _, plan) = planned(&file);
    let mut video = plan.video.unwrap();
    video.renditions.truncate(1);
    for crf in [30.0, 44.0] {
        let mut rendition = video.renditions[0].clone();
        (rendition.name, rendition.encoding.crf) = (format!("crf-{crf}"), crf);
        video.renditions.push(rendition);
    }
    let order = RangeOrder::new(&video, &video.range_of(0..1), &[0, 1, 2]).judged(vec![0], looked_at, false);
    let (_, summary) = encode(&mut engine, &order);
    assert!(summary.quality.iter().all(|quality| quality.vmaf.pictures == 0), "nobody asked");
    encode(&mut engine, &order.by_vmaf()).1.quality
}

#[test]
fn what_is_coarser_has_less() {
    load();
    let found = judged(&Folder::new(), "testsrc2=s=320x192:r=25:d=4,noise=alls=12", 5);
    let means: Vec<f64> = found.iter().map(|quality| quality.vmaf.mean().unwrap()).collect();
    assert!(means.is_sorted_by(|better, worse| better - worse > 1.0) && means[0] > 85.0, "{means:?}");
    assert!(found.iter().all(|quality| quality.vmaf.pictures == 5 && quality.pictures == 5), "{found:?}");
}

#[test]
fn all_pictures_count_that_count_for_xpsnr_also_where_nothing_moves() {
    load();
    let found = judged(&Folder::new(), "testsrc2=s=320x192:r=25:d=4,trim=end_frame=1,tpad=stop=99:stop_mode=clone", 50);
    assert!(
        found.iter().all(|quality| quality.vmaf.pictures == quality.pictures && quality.pictures == 50),
        "{found:?}"
    );
    assert!(found[0].vmaf.mean().unwrap() > 85.0, "{found:?}");
}

#[test]
fn the_library_passes_its_trial() {
    load();
    assert_eq!(engine_libav::try_libvmaf(), Ok(()));
}

#[test]
fn what_is_no_libvmaf_is_told_by_what_is_wrong_with_it() {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let other = maps.lines().find_map(|line| line.split_whitespace().last().filter(|path| path.contains("/libc.so")));
    let no_symbol = engine_libav::load_libvmaf(other.unwrap()).unwrap_err();
    assert!(no_symbol.contains("has no vmaf_version"), "{no_symbol}");
    let folder = Folder::new();
    std::fs::write(folder.path("text.so"), "no library").unwrap();
    for path in [folder.path("text.so"), folder.path("none.so")] {
        let path = path.to_str().unwrap();
        assert!(engine_libav::load_libvmaf(path).unwrap_err().contains(path), "{path}");
    }
    assert!(engine_libav::load_libvmaf("a\0b").unwrap_err().contains("zero byte"));
}
