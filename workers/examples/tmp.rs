use std::sync::Arc;
#[tokio::main]
async fn main() {
    let a: Vec<String> = std::env::args().collect();
    let l = ladders::builtin("film").unwrap();
    let mut e = engine_host::EngineOptions::new(std::path::PathBuf::from("/work/main/target/debug/lectern-engine"));
    e.nice = 0;
    let t = std::time::Instant::now();
    let r = workers::encode_local(
        a[1].as_ref(),
        a[2].as_ref(),
        &l,
        &e,
        Arc::new(|ev| {
            if let workers::LocalEvent::Planned(p) = ev {
                eprintln!("{:?}", p.video.as_ref().map(|v| (&v.ranges, v.frame_rate, v.renditions.len())))
            }
        }),
    )
    .await;
    match r {
        Ok(r) => println!("ok {:?} tracks {} missing {}", t.elapsed(), r.tracks.len(), r.missing_pictures),
        Err(e) => println!("ERR {} {e} {}", e.code(), e.hint()),
    }
}
