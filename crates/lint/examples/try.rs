//! x
#![allow(clippy::unwrap_used)]
use lint::*;
fn main() {
    let root = std::env::args().nth(1).unwrap();
    let mut options = Options::default();
    if let (Some(id), Some(key)) = (std::env::args().nth(2), std::env::args().nth(3)) {
        options.keys.push((
            drm::KeyId(hex::decode(id).unwrap().try_into().unwrap()),
            hex::decode(key).unwrap().try_into().unwrap(),
        ));
    }
    let mut linter = Linter::new(&root, options);
    while let Step::Fetch { uri, range } = linter.poll() {
        let got = std::fs::read(&uri).map_err(|e| e.to_string()).map(|b| {
            let b = match range {
                Some((s, l)) => {
                    let s = (s as usize).min(b.len());
                    b[s..(s + l as usize).min(b.len())].to_vec()
                }
                None => b,
            };
            Fetched { bytes: b.into(), content_type: None, final_uri: uri.clone() }
        });
        linter.give(got);
    }
    print!("{}", linter.report());
}
