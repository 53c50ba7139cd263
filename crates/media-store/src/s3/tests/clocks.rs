//! A machine whose clock is an hour off, or is stepped by one, or by two.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use aws_smithy_async::time::TimeSource;
use bytes::Bytes;

use super::direct::{ask, blocks_of, put};
use super::server::Server;
use crate::{MediaStore, PutNew, Taken};

const HOUR_S: i64 = 3_600;
const VALID: Duration = Duration::from_secs(60);

/// How far a machine's clock is ahead.
#[derive(Clone, Debug, Default)]
pub(super) struct Machine(Arc<AtomicI64>);

impl Machine {
    /// From an hour behind to an hour ahead, or back.
    fn step(&self) {
        let ahead_s = if self.0.load(Ordering::SeqCst) < 0 { HOUR_S } else { -HOUR_S };
        self.0.store(ahead_s, Ordering::SeqCst);
    }
}

impl TimeSource for Machine {
    fn now(&self) -> SystemTime {
        let (now, ahead_s) = (SystemTime::now(), self.0.load(Ordering::SeqCst));
        let by = Duration::from_secs(ahead_s.unsigned_abs());
        if ahead_s < 0 { now - by } else { now + by }
    }
}

#[tokio::test]
async fn no_request_and_no_address_fails_for_a_clock_that_was_stepped_before_it() {
    let (server, machine) = (Server::start().await, Machine::default());
    let store = server.store_on(machine.clone());
    let content = Bytes::from_static(b"content");
    let blocks = blocks_of(&content);
    // An odd number of steps, so that each meets both.
    for round in ["one", "other"] {
        machine.step();
        assert_eq!(store.put_new(round, content.clone()).await.unwrap(), PutNew::Created);
        machine.step();
        assert_eq!(store.head(round).await.unwrap().unwrap().size_bytes, 7);
        machine.step();
        assert_eq!(store.get(round).await.unwrap(), content);
        machine.step();
        assert_eq!(store.list(round, None, 9).await.unwrap(), [round]);
        machine.step();
        let signed = store.direct().unwrap().sign_get(round, "inline", VALID).await.unwrap();
        assert_eq!(ask("GET", signed.url(), &[], b"").await.0, 200);
        machine.step();
        let signed = store.direct().unwrap().sign_blocks(round, &blocks, VALID).await.unwrap();
        assert_eq!(put(&signed[0], &content).await, 200);
        machine.step();
        let taken = store.direct().unwrap().take_blocks(round, &blocks).await.unwrap();
        assert_eq!(taken, Taken { length: 7, missing: None });
        machine.step();
        assert_eq!(store.stage_finish(round, &format!("sources/{round}")).await.unwrap().size_bytes, 7);
        machine.step();
        store.delete(round).await.unwrap();
    }
}
