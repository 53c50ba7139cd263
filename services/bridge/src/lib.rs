//! Bridges: events of the outbox, published to brokers that others listen to, as CloudEvents 1.0, at least once and in the order of what
//! they are about.
//!
//! - [`Address`]: where a bridge goes and what it takes there, as an operator writes it.
//! - [`Broker`]: what can be published to, with one implementation each for NATS JetStream, AMQP 0-9-1 and Kafka.
//! - [`Bridge`]: one of them at work, from a durable place in the outbox; one process at a time.
//!
//! Layer 6. The wall around the brokers' clients.

mod address;
mod broker;
mod pump;

pub use address::{Address, AddressError, Mode};
pub use broker::{Broker, BrokerError};
pub use pump::Bridge;

#[cfg(test)]
mod tests;
