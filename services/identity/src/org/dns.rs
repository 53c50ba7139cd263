//! What the owner of a domain says in its DNS.

use std::net::SocketAddr;
use std::time::Duration;

use futures::future::BoxFuture;
use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ProtocolConfig, ResolveHosts, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::{RData, RecordType};

/// A name server is waited for so long, and all of it together.
const PATIENCE: Duration = Duration::from_secs(2);
const PATIENCE_IN_ALL: Duration = Duration::from_secs(4);
/// The most records of a name that are looked at.
const MAX_RECORDS: usize = 64;

/// Nobody has said what is in the DNS, nor that nothing is; why, for the log.
#[derive(Debug, thiserror::Error)]
#[error("no name server has answered: {0}")]
pub struct DnsError(pub String);

/// Looks for text in the DNS (RFC 1035 §3.3.14).
pub trait TxtLookup: Send + Sync {
    /// The texts at a name, each as one; none where there is no such name.
    ///
    /// # Errors
    /// No name server has answered.
    fn texts<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Vec<String>, DnsError>>;
}

/// The name servers of this machine, or another one. What they have said is not kept: whoever has just put a record there looks for it.
#[derive(Clone, Copy, Debug)]
pub struct Dns {
    server: Option<SocketAddr>,
}

impl Dns {
    /// Those of this machine, as it is set up whenever they are asked.
    pub fn of_system() -> Self {
        Self { server: None }
    }

    /// This one.
    pub fn at(server: SocketAddr) -> Self {
        Self { server: Some(server) }
    }

    fn resolver(self) -> Result<TokioResolver, DnsError> {
        let mut builder = match self.server {
            None => TokioResolver::builder_tokio().map_err(|error| DnsError(error.to_string()))?,
            Some(server) => {
                let mut connection = ConnectionConfig::new(ProtocolConfig::Udp);
                connection.port = server.port();
                let server = NameServerConfig::new(server.ip(), true, vec![connection]);
                let config = ResolverConfig::from_parts(None, Vec::new(), vec![server]);
                TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
            }
        };
        let options = builder.options_mut();
        options.cache_size = 0;
        options.use_hosts_file = ResolveHosts::Never;
        options.attempts = 1;
        options.timeout = PATIENCE;
        builder.build().map_err(|error| DnsError(error.to_string()))
    }

    async fn ask(self, name: &str) -> Result<Vec<String>, DnsError> {
        // With a dot at the end: a search list is for names of the machine's own network.
        let whole = format!("{name}.");
        let found = match self.resolver()?.lookup(whole.as_str(), RecordType::TXT).await {
            Ok(found) => found,
            Err(error) if error.is_no_records_found() => return Ok(Vec::new()),
            Err(error) => return Err(DnsError(error.to_string())),
        };
        let mut texts = Vec::new();
        for record in found.answers().iter().take(MAX_RECORDS) {
            if let RData::TXT(txt) = &record.data {
                let bytes: Vec<u8> = txt.txt_data.iter().flat_map(|part| part.iter().copied()).collect();
                texts.push(String::from_utf8_lossy(&bytes).into_owned());
            }
        }
        Ok(texts)
    }
}

impl TxtLookup for Dns {
    fn texts<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Vec<String>, DnsError>> {
        Box::pin(async move {
            let late = |_| DnsError("all of them are late".to_owned());
            tokio::time::timeout(PATIENCE_IN_ALL, self.ask(name)).await.map_err(late)?
        })
    }
}
