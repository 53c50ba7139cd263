//! NATS JetStream: `<prefix>.<tenant>.<kind>` is the subject, and the event's id what repetitions are known by.

use async_nats::jetstream::{self, Context};
use async_nats::{ConnectOptions, HeaderMap};
use futures::future::BoxFuture;
use kernel::CloudEvent;
use kernel::cloud_event::{DATA, STRUCTURED, in_ascii};

use super::{Broker, BrokerError, CONNECT, PUBLISH};
use crate::{Address, Mode};

const PORT: u16 = 4222;
/// Whoever publishes makes a new connection soon enough.
const RECONNECTS: usize = 3;

pub(super) struct Nats {
    context: Context,
    prefix: String,
    mode: Mode,
}

impl Nats {
    pub(super) async fn connect(address: &Address) -> Result<Self, BrokerError> {
        let options = ConnectOptions::new().name("lectern").connection_timeout(CONNECT).max_reconnects(RECONNECTS);
        let options = match address.credentials() {
            Some((user, Some(password))) => options.user_and_password(user, password),
            Some((token, None)) => options.token(token),
            None => options,
        };
        let server = format!("{}://{}", address.url.scheme(), address.host(PORT));
        let client = options.connect(server).await.map_err(BrokerError::client)?;
        let mut context = jetstream::new(client);
        context.set_timeout(PUBLISH);
        Ok(Self { context, prefix: address.target.clone(), mode: address.mode })
    }

    fn message(&self, event: &CloudEvent) -> (HeaderMap, Vec<u8>) {
        let mut headers = HeaderMap::new();
        headers.insert("Nats-Msg-Id", event.id());
        if self.mode == Mode::Structured {
            headers.insert("content-type", STRUCTURED);
            return (headers, event.structured());
        }
        headers.insert("content-type", DATA);
        for (name, value) in event.attributes() {
            headers.insert(format!("ce-{name}"), in_ascii(value));
        }
        (headers, event.data())
    }
}

impl Broker for Nats {
    fn publish<'a>(&'a mut self, events: &'a [CloudEvent]) -> BoxFuture<'a, Result<(), BrokerError>> {
        Box::pin(async move {
            for event in events {
                let (headers, body) = self.message(event);
                let subject = format!("{}.{}.{}", self.prefix, event.tenant(), event.kind());
                // One after the other: behind one that is not kept none may be.
                let kept = self.context.publish_with_headers(subject, headers, body.into()).await;
                kept.map_err(BrokerError::client)?.await.map_err(BrokerError::client)?;
            }
            Ok(())
        })
    }
}
