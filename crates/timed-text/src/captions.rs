//! Closed captions inside of pictures, as text: line 21 (ANSI/CTA-608-E) and the digital services (ANSI/CTA-708-E).
//!
//! A caption that is loaded unseen is one piece of text, from when it is shown until something else is. One that is written
//! before the viewer's eyes is one for every line: it is shown whole from when its first letter appears, unless its writer
//! pauses.

use std::collections::BTreeMap;

use bitstream::sei::{CaptionPair, DtvccReader, Line21Code, Line21Reader};
use media_types::TextPlace;
use media_types::segment::CaptionChannel;

mod cells;
mod characters;
mod line21;
mod log;
mod service;
mod window;

use line21::Channel;
use log::Said;
use service::Service;

/// Services of CTA-708 that are read: the numbers beyond them have no use that is known.
pub const SERVICES: u8 = 6;

/// Some text of one channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caption {
    /// Whose it is.
    pub channel: CaptionChannel,
    /// When it appears.
    pub start_us: i64,
    /// When it disappears; `None` when nothing said so.
    pub end_us: Option<i64>,
    /// Where it stands.
    pub place: TextPlace,
    /// As [`ass`](crate::ass) reads it: lines between `\N`, italic and underlined text between overrides.
    pub text: String,
}

/// Reads the captions of all channels, picture by picture.
#[derive(Clone, Debug, Default)]
pub struct CaptionReader {
    fields: [Line21Reader; 2],
    line21: [Channel; 4],
    dtvcc: DtvccReader,
    services: BTreeMap<u8, Service>,
    made: Vec<Caption>,
}

impl CaptionReader {
    /// Takes the entries of the next picture in presentation order, which is shown at `at_us`; answers what is over by then.
    pub fn picture(&mut self, at_us: i64, pairs: &[CaptionPair]) -> Vec<Caption> {
        for &pair in pairs {
            match pair.kind {
                0 | 1 if pair.valid => self.line21(pair, at_us),
                _ => self.dtvcc(pair, at_us),
            }
        }
        std::mem::take(&mut self.made)
    }

    /// What is still shown behind the last picture.
    pub fn finish(mut self) -> Vec<Caption> {
        let mut said = Vec::new();
        for (channel, number) in self.line21.iter_mut().zip(1..) {
            channel.finish(&mut said);
            keep(&mut self.made, CaptionChannel::Line21(number), &mut said);
        }
        for (number, mut service) in self.services {
            service.finish(&mut said);
            keep(&mut self.made, CaptionChannel::Service(number), &mut said);
        }
        self.made
    }

    fn line21(&mut self, pair: CaptionPair, at_us: i64) {
        let field = usize::from(pair.kind & 1);
        let Some(code) = self.fields[field].pair(pair.data, field == 1) else { return };
        let (Line21Code::Control { channel, .. } | Line21Code::Characters { channel, .. }) = code;
        let index = field * 2 + usize::from(channel & 1);
        let mut said = Vec::new();
        match code {
            Line21Code::Control { first, second, .. } => {
                self.line21[index].control(first, second, at_us, &mut said);
            }
            Line21Code::Characters { codes, .. } => self.line21[index].characters(codes, at_us, &mut said),
        }
        keep(&mut self.made, CaptionChannel::Line21(index as u8 + 1), &mut said);
    }

    fn dtvcc(&mut self, pair: CaptionPair, at_us: i64) {
        for (number, codes) in self.dtvcc.pair(pair).into_iter().flatten().filter(|(number, _)| *number <= SERVICES) {
            let (service, mut said) = (self.services.entry(number).or_default(), Vec::new());
            codes.for_each(|(code, parameters)| service.code(code, parameters, at_us, &mut said));
            keep(&mut self.made, CaptionChannel::Service(number), &mut said);
        }
    }
}

fn keep(made: &mut Vec<Caption>, channel: CaptionChannel, said: &mut Vec<Said>) {
    made.extend(said.drain(..).map(|said| Caption {
        channel,
        start_us: said.start_us,
        end_us: said.end_us,
        place: said.block.place,
        text: said.block.text,
    }));
}

#[cfg(test)]
mod tests;
