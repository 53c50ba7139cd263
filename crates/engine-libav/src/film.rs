//! Decoded pictures whose fields are matched: each is woven of two fields of one moment, wherever these lie.

use std::collections::VecDeque;
use std::ptr;
use std::sync::Arc;

use ff::{filter, frame};
use ffmpeg_next as ff;
use pipeline::{DecodedPictures, EngineError};

use crate::convert::graph;
use crate::error::{engine, is_again_or_end};
use crate::glance::greys;
use crate::scaling::reference;
use crate::walk::Shared;

/// Fields that have no match are of no film: those pictures are deinterlaced where that is plain to see. By the filter's own
/// measure (9 and 80) a third of the pictures of a film with fine detail would be as well, and softened. What becomes of a
/// picture follows from it and two on either side alone.
const CHAIN: &str = "fieldmatch=mode=pc_n:combmatch=full:cthresh=12:combpel=128,yadif=mode=send_frame:deint=interlaced";

/// Matches the fields of what is decoded.
pub(crate) struct Matched<D> {
    decoded: D,
    /// For pictures of the form of the last one.
    built: Option<(Form, filter::Graph)>,
    /// When the pictures inside the graph are shown.
    inside: VecDeque<i64>,
    ready: VecDeque<(i64, Shared)>,
    ended: bool,
}

type Form = (ff::format::Pixel, u32, u32);

/// How far a picture is from the one before it; as far as can be when that cannot be told.
pub(crate) fn apart(before: &Shared, picture: &Shared) -> u64 {
    let levels = |picture: &Shared| greys(&picture.0).and_then(|greys| greys.levels());
    match (levels(before), levels(picture)) {
        (Some(before), Some(picture)) => picture.apart(&before),
        _ => u64::MAX,
    }
}

impl<D: DecodedPictures<Picture = Shared>> Matched<D> {
    pub(crate) fn new(decoded: D) -> Self {
        Self { decoded, built: None, inside: VecDeque::new(), ready: VecDeque::new(), ended: false }
    }

    fn push(&mut self, pts: i64, picture: &frame::Video) -> Result<(), EngineError> {
        let form = (picture.format(), picture.width(), picture.height());
        let fits = self.built.as_ref().is_some_and(|(built, _)| *built == form);
        if !fits {
            self.empty()?;
        }
        let (_, graph) = match &mut self.built {
            Some(built) => built,
            none => none.insert((form, graph(CHAIN, picture)?)),
        };
        // A new reference to the same pixels, which does not say when it is shown: filters count in other ticks.
        let mut reference = reference(picture)?;
        reference.set_pts(None);
        graph.get("in").ok_or_else(broken)?.source().add(&reference).map_err(engine("matching fields"))?;
        self.inside.push_back(pts);
        self.pull()
    }

    /// Takes out what is ready: one picture for each that was handed in, in order.
    fn pull(&mut self) -> Result<(), EngineError> {
        let Some((_, graph)) = &mut self.built else { return Ok(()) };
        loop {
            let mut picture = frame::Video::empty();
            match graph.get("out").ok_or_else(broken)?.sink().frame(&mut picture) {
                Ok(()) => {}
                Err(error) if is_again_or_end(&error) => return Ok(()),
                Err(error) => return Err(engine("matching fields")(error)),
            }
            if let Some(pts) = self.inside.pop_front() {
                picture.set_pts(Some(pts));
                self.ready.push_back((pts, Shared(Arc::new(picture))));
            }
        }
    }

    /// Takes out what the graph still holds, and the graph away.
    fn empty(&mut self) -> Result<(), EngineError> {
        if let Some((_, graph)) = &mut self.built {
            // SAFETY: a null frame is how the end is signalled to a buffer source.
            let end = unsafe { ff::Frame::wrap(ptr::null_mut()) };
            graph.get("in").ok_or_else(broken)?.source().add(&end).map_err(engine("matching fields"))?;
        }
        self.pull()?;
        self.built = None;
        self.inside.clear();
        Ok(())
    }
}

impl<D: DecodedPictures<Picture = Shared>> DecodedPictures for Matched<D> {
    type Picture = Shared;

    fn pixels(&self) -> usize {
        self.decoded.pixels()
    }

    fn next(&mut self) -> Result<Option<(i64, Shared)>, EngineError> {
        while self.ready.is_empty() && !self.ended {
            match self.decoded.next()? {
                Some((pts, picture)) => self.push(pts, &picture.0)?,
                None => {
                    self.ended = true;
                    self.empty()?;
                }
            }
        }
        Ok(self.ready.pop_front())
    }
}

fn broken() -> EngineError {
    EngineError::Engine { detail: "the graph that matches fields lost its ends".to_owned() }
}
