//! What can be published to.

#[cfg(feature = "bridges")]
mod amqp;
#[cfg(feature = "bridges")]
mod kafka;
#[cfg(feature = "bridges")]
mod nats;

use std::error::Error;
use std::time::Duration;

use futures::future::BoxFuture;
use kernel::CloudEvent;

use crate::Address;

/// Until a connection stands and can be published to.
pub(crate) const CONNECT: Duration = Duration::from_secs(5);
/// One call of [`Broker::publish`].
pub(crate) const PUBLISH: Duration = Duration::from_secs(15);

/// A connection to a broker.
pub trait Broker: Send {
    /// Publishes events, and returns once the broker keeps all of them. When it fails some may have been kept: whoever is not told so
    /// publishes all of them again, on a new connection. Of one aggregate none is kept before those in front of it are.
    ///
    /// # Errors
    /// The broker does not keep all of them.
    fn publish<'a>(&'a mut self, events: &'a [CloudEvent]) -> BoxFuture<'a, Result<(), BrokerError>>;
}

/// Why a broker does not keep an event.
#[derive(Debug, thiserror::Error)]
pub enum BrokerError {
    /// It says nothing for too long.
    #[error("the broker does not answer in time")]
    Silent,
    /// It says no.
    #[error("the broker refuses: {0}")]
    Refused(String),
    /// What its client says.
    #[error("the broker cannot be published to")]
    Client(#[source] Box<dyn Error + Send + Sync>),
}

#[cfg(feature = "bridges")]
impl BrokerError {
    fn client(error: impl Error + Send + Sync + 'static) -> Self {
        Self::Client(Box::new(error))
    }
}

impl Address {
    /// Connects to the broker.
    ///
    /// # Errors
    /// It is not there, or lets nobody publish.
    pub async fn connect(&self) -> Result<Box<dyn Broker>, BrokerError> {
        tokio::time::timeout(CONNECT, self.open()).await.unwrap_or(Err(BrokerError::Silent))
    }

    #[cfg(feature = "bridges")]
    async fn open(&self) -> Result<Box<dyn Broker>, BrokerError> {
        use crate::address::Protocol;

        let broker: Box<dyn Broker> = match self.protocol {
            Protocol::Nats => Box::new(nats::Nats::connect(self).await?),
            Protocol::Amqp => Box::new(amqp::Amqp::connect(self).await?),
            Protocol::Kafka => Box::new(kafka::Kafka::connect(self).await?),
        };
        Ok(broker)
    }

    #[cfg(not(feature = "bridges"))]
    async fn open(&self) -> Result<Box<dyn Broker>, BrokerError> {
        Err(BrokerError::Refused("this build has no bridges".to_owned()))
    }
}
