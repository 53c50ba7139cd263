
use crate::media::planned;
#[test]
fn dbg() {
    let Ok(path) = std::env::var("DBG") else { return };
    for path in path.split(',') {
        let (_, report, plan) = planned(std::path::Path::new(path));
        let v = report.video.unwrap();
        eprintln!("{path} {} packets, first {:?} last {:?} {:?}", v.packets.len(), &v.packets[..3], v.packets.last(), v.stated_rate);
        let p = plan.video.unwrap();
        eprintln!("{} frames {:?} {:?}, {:?}", p.frame_count(), p.frame_rate, plan.warnings, report.warnings);
        eprintln!("audio {:?} {:?}", report.audio, plan.audio);
    }
}
