//! Why there is no answer.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use crate::target::UrlProblem;

/// Why there is no answer. Neither addresses' queries nor headers are repeated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HttpError {
    /// The address, or the one that an answer led to, is not asked.
    #[error("{url}: {problem}")]
    Url {
        /// As far as it can be shown.
        url: String,
        /// Why.
        problem: UrlProblem,
    },
    /// No connection: the name is not known, nobody listens, the certificate is not trusted, or it took too long.
    #[error("{host} cannot be connected to: {cause}")]
    Connect {
        /// Host and port.
        host: String,
        /// Why.
        cause: Cause,
    },
    /// No whole answer in time.
    #[error("there was no whole answer within {} ms", .0.as_millis())]
    Deadline(Duration),
    /// A longer answer than the caller wants.
    #[error("the answer has more than {0} bytes")]
    TooLarge(usize),
    /// The connection broke, or what came was not HTTP.
    #[error("the exchange with {host} failed: {cause}")]
    Exchange {
        /// Host and port.
        host: String,
        /// Why.
        cause: Cause,
    },
    /// One redirect after another.
    #[error("more than {0} redirects in a row")]
    Redirects(u8),
}

impl HttpError {
    /// Of a request that `host` has not answered.
    pub(crate) fn unanswered(host: String, error: hyper_util::client::legacy::Error) -> Self {
        let is_connect = error.is_connect();
        let cause = Cause(error.into());
        if is_connect { Self::Connect { host, cause } } else { Self::Exchange { host, cause } }
    }
}

/// What happened, of which only the innermost error is shown.
#[derive(Debug)]
pub struct Cause(pub(crate) Box<dyn Error + Send + Sync>);

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut innermost: &(dyn Error + 'static) = &*self.0;
        while let Some(source) = innermost.source() {
            innermost = source;
        }
        fmt::Display::fmt(innermost, f)
    }
}
