//! SPEKE v2: keys and signalling asked of a key service with CPIX documents, as values without HTTP.
//!
//! - [`Ask`]: what a packager wants. [`Ask::request`] writes the request; the caller sends it.
//! - [`Ask::interpret`]: checks the response against what was asked.
//! - [`answer`]: the key service's side, for tests and demonstrations.
//!
//! Versions 2.0 (CPIX 2.3) and 2.1 (CPIX 2.4).

mod ask;
mod response;
mod server;
mod tracks;

pub use ask::{Ask, AskError, KeyAsk, SystemAsk};
pub use response::{Answer, AnswerError, MissingSignal, Signal};
pub use server::{answer, describe};
pub use tracks::{TrackTypeError, Tracks};

use crate::Xml;

/// A version of SPEKE.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Version {
    /// 2.0, with CPIX 2.3.
    #[default]
    V2_0,
    /// 2.1, with CPIX 2.4: key periods may state their times.
    V2_1,
}

impl Version {
    const ALL: [Version; 2] = [Self::V2_0, Self::V2_1];

    /// The value of `X-Speke-Version`.
    pub const fn speke(self) -> &'static str {
        match self {
            Self::V2_0 => "2.0",
            Self::V2_1 => "2.1",
        }
    }

    /// The value of `CPIX/@version`.
    pub const fn cpix(self) -> &'static str {
        match self {
            Self::V2_0 => "2.3",
            Self::V2_1 => "2.4",
        }
    }

    fn from_speke(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|version| version.speke() == text.trim())
    }
}

/// The header that names the version of SPEKE.
pub const VERSION_HEADER: &str = "X-Speke-Version";
/// The header in which each side names itself.
pub const USER_AGENT_HEADER: &str = "X-Speke-User-Agent";
const CONTENT_TYPE: (&str, &str) = ("Content-Type", "application/xml");

/// A request to be sent to the address of the key service, with whatever authenticates the sender added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// `POST`.
    pub method: &'static str,
    /// Header names and values.
    pub headers: Vec<(String, String)>,
    /// The document.
    pub body: Xml,
}

/// What a key service sent back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// Header names and values.
    pub headers: Vec<(String, String)>,
    /// A document when the status is 200, otherwise a message.
    pub body: Xml,
}

fn header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}

fn headers(version: Version, user_agent: Option<&str>) -> Vec<(String, String)> {
    let own = [CONTENT_TYPE, (VERSION_HEADER, version.speke())];
    let agent = user_agent.map(|agent| (USER_AGENT_HEADER, agent));
    own.into_iter().chain(agent).map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}
