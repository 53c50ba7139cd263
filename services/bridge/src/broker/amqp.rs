//! AMQP 0-9-1, as RabbitMQ speaks it: a durable topic exchange, persistent messages, and a confirmation of each.

use futures::future::BoxFuture;
use kernel::CloudEvent;
use kernel::cloud_event::{DATA, STRUCTURED};
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions, ExchangeDeclareOptions};
use lapin::types::{AMQPValue, FieldTable, LongString, ShortString};
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties, ExchangeKind};

use super::{Broker, BrokerError};
use crate::{Address, Mode};

/// What survives a broker that is started anew.
const PERSISTENT: u8 = 2;
const MAX_SHORT: usize = 255;

pub(super) struct Amqp {
    /// What the channel is of; closed when it is dropped.
    _connection: Connection,
    channel: Channel,
    exchange: String,
    mode: Mode,
}

impl Amqp {
    pub(super) async fn connect(address: &Address) -> Result<Self, BrokerError> {
        let mut url = address.url.clone();
        url.set_query(None);
        let connected = Connection::connect(url.as_str(), ConnectionProperties::default()).await;
        let connection = connected.map_err(BrokerError::client)?;
        let channel = connection.create_channel().await.map_err(BrokerError::client)?;
        channel.confirm_select(ConfirmSelectOptions::default()).await.map_err(BrokerError::client)?;
        let options = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
        let exchange = address.target.clone();
        let declared =
            channel.exchange_declare(short(&exchange)?, ExchangeKind::Topic, options, FieldTable::default()).await;
        declared.map_err(BrokerError::client)?;
        Ok(Self { _connection: connection, channel, exchange, mode: address.mode })
    }

    fn message(&self, event: &CloudEvent) -> Result<(BasicProperties, Vec<u8>), BrokerError> {
        let properties = BasicProperties::default().with_message_id(short(event.id())?).with_delivery_mode(PERSISTENT);
        if self.mode == Mode::Structured {
            return Ok((properties.with_content_type(short(STRUCTURED)?), event.structured()));
        }
        let mut headers = FieldTable::default();
        for (name, value) in event.attributes() {
            headers.insert(short(&format!("cloudEvents:{name}"))?, AMQPValue::LongString(LongString::from(value)));
        }
        Ok((properties.with_content_type(short(DATA)?).with_headers(headers), event.data()))
    }
}

impl Broker for Amqp {
    fn publish<'a>(&'a mut self, events: &'a [CloudEvent]) -> BoxFuture<'a, Result<(), BrokerError>> {
        Box::pin(async move {
            for event in events {
                let (properties, body) = self.message(event)?;
                let (exchange, key) = (short(&self.exchange)?, short(&format!("{}.{}", event.tenant(), event.kind()))?);
                let options = BasicPublishOptions::default();
                // One after the other: behind one that is not kept none may be.
                let sent = self.channel.basic_publish(exchange, key, options, &body, properties).await;
                let confirmed = sent.map_err(BrokerError::client)?.await.map_err(BrokerError::client)?;
                if !confirmed.is_ack() {
                    return Err(BrokerError::Refused("an event was not confirmed".to_owned()));
                }
            }
            Ok(())
        })
    }
}

/// A text of the protocol that has at most 255 bytes.
fn short(text: &str) -> Result<ShortString, BrokerError> {
    if text.len() > MAX_SHORT {
        return Err(BrokerError::Refused(format!("a name of {} bytes is too long for it", text.len())));
    }
    Ok(ShortString::from(text))
}
