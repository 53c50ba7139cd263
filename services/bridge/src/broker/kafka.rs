//! Kafka: one topic, the aggregate as the key, and every replica in sync has each record (`acks=all`).

use std::collections::BTreeMap;
use std::time::Duration;

use futures::future::BoxFuture;
use kernel::CloudEvent;
use kernel::cloud_event::{DATA, STRUCTURED};
use rskafka::BackoffConfig;
use rskafka::chrono::{DateTime, Utc};
use rskafka::client::ClientBuilder;
use rskafka::client::partition::{Compression, PartitionClient, UnknownTopicHandling};
use rskafka::record::Record;

use super::{Broker, BrokerError};
use crate::{Address, Mode};

const PORT: u16 = 9092;
/// Whoever publishes tries again by himself.
const PATIENCE: Duration = Duration::from_secs(2);

pub(super) struct Kafka {
    partitions: Vec<PartitionClient>,
    mode: Mode,
}

impl Kafka {
    pub(super) async fn connect(address: &Address) -> Result<Self, BrokerError> {
        let patience = BackoffConfig { deadline: Some(PATIENCE), ..BackoffConfig::default() };
        let builder = ClientBuilder::new(vec![address.host(PORT)]).client_id("lectern").backoff_config(patience);
        let client = builder.build().await.map_err(BrokerError::client)?;
        let topics = client.list_topics().await.map_err(BrokerError::client)?;
        let missing = || BrokerError::Refused(format!("there is no topic {}", address.target));
        let topic = topics.into_iter().find(|topic| topic.name == address.target).ok_or_else(missing)?;
        let mut partitions = Vec::with_capacity(topic.partitions.len());
        for partition in topic.partitions {
            let opened = client.partition_client(address.target.clone(), partition, UnknownTopicHandling::Error).await;
            partitions.push(opened.map_err(BrokerError::client)?);
        }
        if partitions.is_empty() {
            return Err(BrokerError::Refused("the topic has no partitions".to_owned()));
        }
        Ok(Self { partitions, mode: address.mode })
    }

    fn record(&self, event: &CloudEvent, key: String) -> Record {
        let mut headers = BTreeMap::new();
        let (content_type, value) = match self.mode {
            Mode::Structured => (STRUCTURED, event.structured()),
            Mode::Binary => (DATA, event.data()),
        };
        headers.insert("content-type".to_owned(), content_type.as_bytes().to_vec());
        if self.mode == Mode::Binary {
            let named =
                event.attributes().into_iter().map(|(name, value)| (format!("ce_{name}"), value.as_bytes().to_vec()));
            headers.extend(named);
        }
        let timestamp = DateTime::parse_from_rfc3339(event.time())
            .map_or(DateTime::<Utc>::UNIX_EPOCH, |time| time.with_timezone(&Utc));
        Record { key: Some(key.into_bytes()), value: Some(value), headers, timestamp }
    }
}

impl Broker for Kafka {
    fn publish<'a>(&'a mut self, events: &'a [CloudEvent]) -> BoxFuture<'a, Result<(), BrokerError>> {
        Box::pin(async move {
            let mut batches: BTreeMap<usize, Vec<Record>> = BTreeMap::new();
            for event in events {
                let key = event.aggregate();
                let place = place_of(key.as_bytes(), self.partitions.len());
                batches.entry(place).or_default().push(self.record(event, key));
            }
            // A partition keeps all of a batch, in its order, or nothing of it.
            for (place, batch) in batches {
                let kept = self.partitions[place].produce(batch, Compression::NoCompression).await;
                kept.map_err(BrokerError::client)?;
            }
            Ok(())
        })
    }
}

/// The partition of a key, of so many: that which Kafka's own producers choose, so that others who write about the same find it.
fn place_of(key: &[u8], count: usize) -> usize {
    let hash = usize::try_from(murmur2(key) & 0x7fff_ffff).unwrap_or(0);
    hash % count
}

/// MurmurHash2 with Kafka's seed.
fn murmur2(key: &[u8]) -> u32 {
    const SEED: u32 = 0x9747_b28c;
    const M: u32 = 0x5bd1_e995;
    let mut hash = SEED ^ u32::try_from(key.len()).unwrap_or(u32::MAX);
    let mut words = key.chunks_exact(4);
    for word in &mut words {
        let mut mixed = word.iter().rev().fold(0_u32, |number, byte| (number << 8) | u32::from(*byte)).wrapping_mul(M);
        mixed ^= mixed >> 24;
        hash = hash.wrapping_mul(M) ^ mixed.wrapping_mul(M);
    }
    let rest = words.remainder();
    if !rest.is_empty() {
        hash ^= rest.iter().rev().fold(0_u32, |number, byte| (number << 8) | u32::from(*byte));
        hash = hash.wrapping_mul(M);
    }
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(M);
    hash ^ (hash >> 15)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the Java client's own tests expect.
    #[test]
    fn a_key_has_the_partition_that_kafkas_own_producers_choose() {
        for (key, hash) in [
            ("21", -973_932_308),
            ("foobar", -790_332_482),
            ("a-little-bit-long-string", -985_981_536),
            ("a-little-bit-longer-string", -1_486_304_829),
            ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
            ("abc", 479_470_107),
        ] {
            assert_eq!(murmur2(key.as_bytes()).cast_signed(), hash, "{key}");
        }
        assert_eq!(place_of(b"foobar", 1), 0);
    }
}
