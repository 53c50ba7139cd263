//! VMAF (Netflix), by a libvmaf that an operator names. It is no part of Lectern, and nothing of it is looked up unless it is
//! named; `library` has its functions.

use std::sync::{Arc, OnceLock};

use pipeline::{EngineError, Luma, Vmaf};

mod library;

use library::{Library, Session};

/// Why the library that was named is not used: a clause about it.
type Unusable = String;

static LIBRARY: OnceLock<Library> = OnceLock::new();

/// One picture in so many is compared; of the others the source's alone is looked at, to see what moves. So each that counts has
/// the ones beside it around it.
const SPACING: u32 = 3;
/// Of the pictures of a trial.
const TRIAL_SIZE: (usize, usize) = (256, 144);

/// Loads the library at an absolute path, for as long as the process runs, and answers what version it says it is. To be called
/// before this process is confined.
///
/// # Errors
/// A clause that says what is wrong with it.
pub fn load_libvmaf(path: &str) -> Result<String, String> {
    let library = Library::load(path)?;
    Ok(LIBRARY.get_or_init(|| library).version.clone())
}

/// Has the library that was loaded compare a picture with itself and with a worse one.
///
/// # Errors
/// A clause that says what is wrong with it.
pub fn try_libvmaf() -> Result<(), String> {
    let (good, bad) = (trial_picture(1)?, trial_picture(60)?);
    let score = |coded: &Luma| {
        let mut comparison = Comparison::begin().unwrap_or_else(|| Err("it was not loaded".to_owned()))?;
        comparison.compare((&good, &Around::default()), coded)?;
        comparison.finish()?.mean().ok_or_else(|| "it gives no score".to_owned())
    };
    let (same, worse) = (score(&good)?, score(&bad)?);
    if same > 90.0 && worse < same - 10.0 {
        return Ok(());
    }
    Err(format!("it gives a picture {same:.1} beside itself and {worse:.1} beside noise"))
}

/// Whether there is a library.
pub(crate) fn is_loaded() -> bool {
    LIBRARY.get().is_some()
}

/// Squares, with so much noise.
fn trial_picture(noise: u32) -> Result<Luma, Unusable> {
    let (width, height) = TRIAL_SIZE;
    let mut state = 1_u32;
    let samples = (0..width * height).map(|at| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let square = if (at % width / 8 + at / width / 8).is_multiple_of(2) { 90 } else { 130 };
        square + ((state >> 16) % noise) as u8
    });
    Luma::new(width, samples.collect()).ok_or_else(|| "its trial has no picture".to_owned())
}

/// What the source shows one frame before and after a picture, as far as that is known.
#[derive(Debug, Default)]
pub(crate) struct Around {
    pub(crate) before: Option<Arc<Luma>>,
    pub(crate) after: Option<Arc<Luma>>,
}

/// Coded pictures of one size beside those that they were made of.
pub(crate) struct Comparison {
    session: Session,
    /// Pictures handed in.
    count: u32,
    /// Which of them are compared, and how many times each is shown.
    compared: Vec<(u32, u64)>,
}

impl Comparison {
    /// `None` where no library was loaded.
    pub(crate) fn begin() -> Option<Result<Self, Unusable>> {
        let library = LIBRARY.get()?;
        Some(Session::open(library, SPACING).map(|session| Self { session, count: 0, compared: Vec::new() }))
    }

    /// Compares a coded picture with the source's. What is unknown beside that one counts as if it moved like the other side.
    pub(crate) fn compare(&mut self, (now, around): (&Luma, &Around), coded: &Luma) -> Result<(), Unusable> {
        let (before, after) = (around.before.as_deref(), around.after.as_deref());
        let (before, after) = (before.or(after).unwrap_or(now), after.or(before).unwrap_or(now));
        // The first of all counts as one that nothing moves in, and is none of those that are asked for.
        let lead = if self.count == 0 { SPACING } else { 1 };
        for _ in 0..lead {
            self.read(before, before)?;
        }
        self.compared.push((self.count, 1));
        self.read(now, coded)?;
        self.read(after, after)
    }

    /// What was compared last is shown once more, beside the same picture of the source.
    pub(crate) fn again(&mut self) {
        if let Some((_, times)) = self.compared.last_mut() {
            *times += 1;
        }
    }

    fn read(&mut self, source: &Luma, coded: &Luma) -> Result<(), Unusable> {
        self.session.read(source, coded, self.count)?;
        self.count += 1;
        Ok(())
    }

    /// All that was compared.
    pub(crate) fn finish(mut self) -> Result<Vmaf, Unusable> {
        let mut found = Vmaf::default();
        if self.compared.is_empty() {
            return Ok(found);
        }
        self.session.end()?;
        for (index, times) in &self.compared {
            found.add(self.session.score(*index)?, *times);
        }
        Ok(found)
    }
}

/// As whoever ordered a range is told.
pub(crate) fn failed(why: Unusable) -> EngineError {
    EngineError::Engine { detail: format!("libvmaf: {why}") }
}
