//! What time it is: of a file this machine's, of a server the server's.
//!
//! The processes of a server's database agree on its time, whatever the clocks of their machines show, and whoever sets those
//! while they run: between two looks at the server's clock each of them counts on the clock that nobody sets.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use sqlx::PgExecutor;

use crate::engine::answered;

/// Milliseconds since 1970, in UTC.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// Microseconds since 1970, as the statement runs.
const SERVER_TIME: &str = "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)";
/// Between two looks at the server's clock.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// A machine's clock that differs by no more is kept as the server's is, and is known exactly, which that one is not.
const NEAR: Duration = Duration::from_millis(100);

/// This machine's clock, since 1970.
pub(crate) fn machine() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

pub(crate) fn in_ms(since_1970: Duration) -> i64 {
    i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX)
}

/// The time of a server's database, as one process has it.
pub(crate) struct ServerClock {
    machine: fn() -> Duration,
    seen: Mutex<Seen>,
}

/// A look at both clocks.
struct Seen {
    /// What time it was, since 1970,
    time: Duration,
    /// and when that was.
    at: Instant,
    /// When the server was last asked.
    asked: Instant,
    /// Whether the machine's clock was far from the server's.
    is_off: bool,
}

impl ServerClock {
    /// Asks the server for the first time.
    pub(crate) async fn ask(server: impl PgExecutor<'_>, machine: fn() -> Duration) -> Result<Self, sqlx::Error> {
        let (time, at) = read(machine);
        let this = Self { machine, seen: Mutex::new(Seen { time, at, asked: at, is_off: false }) };
        this.look(server).await?;
        Ok(this)
    }

    /// Since 1970.
    pub(crate) fn now(&self) -> Duration {
        let seen = self.seen();
        seen.time.saturating_add(seen.at.elapsed())
    }

    /// Asks the server again, unless somebody has a moment ago.
    pub(crate) async fn follow(&self, server: impl PgExecutor<'_>) -> Result<(), sqlx::Error> {
        let is_due = {
            let mut seen = self.seen();
            let is_due = seen.asked.elapsed() >= LOOK_EVERY;
            if is_due {
                seen.asked = Instant::now();
            }
            is_due
        };
        if is_due { self.look(server).await } else { Ok(()) }
    }

    async fn look(&self, server: impl PgExecutor<'_>) -> Result<(), sqlx::Error> {
        let asked = Instant::now();
        let server_us: i64 = answered(sqlx::query_scalar(SERVER_TIME).fetch_one(server)).await?;
        let took = asked.elapsed();
        let (own, at) = read(self.machine);
        let servers = Duration::from_micros(u64::try_from(server_us).unwrap_or_default()) + took / 2;
        let is_off = is_far(own, servers, took);
        let mut seen = self.seen();
        match (seen.is_off, is_off) {
            (false, true) => tracing::warn!(
                machine_ms = in_ms(own),
                server_ms = in_ms(servers),
                "the clocks of this machine and of the database's server differ: the server's counts"
            ),
            (true, false) => {
                tracing::info!("the clocks of this machine and of the database's server are together again")
            }
            _ => {}
        }
        (seen.time, seen.at, seen.is_off) = (if is_off { servers } else { own }, at, is_off);
        Ok(())
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether two clocks are apart, one of which was asked and took so long to answer.
fn is_far(own: Duration, servers: Duration, took: Duration) -> bool {
    own.abs_diff(servers) > NEAR + took / 2
}

/// What a clock shows, and when: of three looks the one in which least time went by.
fn read(clock: fn() -> Duration) -> (Duration, Instant) {
    let mut looks = [(); 3].map(|()| {
        let at = Instant::now();
        let shown = clock();
        (at.elapsed(), shown, at)
    });
    looks.sort_by_key(|(took, ..)| *took);
    let [(_, shown, at), ..] = looks;
    (shown, at)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::engine::Pools;
    use crate::testing::{Scratch, for_each_engine};
    use crate::{Database, EngineKind};

    const HOUR: Duration = Duration::from_secs(3_600);

    fn ahead() -> Duration {
        machine() + HOUR
    }

    fn behind() -> Duration {
        machine() - HOUR
    }

    /// That it was between two moments of the machine's.
    fn check(time: impl Fn() -> Duration) {
        let (before, shown, after) = (machine(), time(), machine());
        // What the server took to answer may be taken for a part of its time, on a machine whose clock is wrong.
        let slack = Duration::from_secs(2);
        assert!(before - slack <= shown && shown <= after + slack, "{shown:?} is not from {before:?} to {after:?}");
    }

    fn pool(db: &Database) -> &sqlx::PgPool {
        match &db.pools {
            Pools::Pg(pool) => pool,
            Pools::Lite { .. } => panic!("a server was asked for"),
        }
    }

    #[tokio::test]
    async fn a_database_tells_the_time() {
        for_each_engine(|db| async move {
            check(|| Duration::from_millis(u64::try_from(db.now_ms()).unwrap()));
            let clock = db.clock();
            check(|| Duration::from_millis(u64::try_from(clock()).unwrap()));
        })
        .await;
    }

    #[tokio::test]
    async fn a_machine_an_hour_off_goes_by_the_server_and_a_step_while_it_runs_is_no_step_of_its_time() {
        let scratch = Scratch::empty(EngineKind::Postgres).await;
        let server = pool(&scratch.db);
        for start in [machine as fn() -> Duration, ahead, behind] {
            let mut clock = ServerClock::ask(server, start).await.unwrap();
            check(|| clock.now());
            for step in [ahead as fn() -> Duration, behind, machine] {
                clock.machine = step;
                check(|| clock.now());
                // Another look, as after a minute.
                clock.seen().asked -= LOOK_EVERY;
                clock.follow(server).await.unwrap();
                check(|| clock.now());
            }
        }
    }

    #[tokio::test]
    async fn the_server_is_asked_once_a_minute() {
        let scratch = Scratch::empty(EngineKind::Postgres).await;
        let mut clock = ServerClock::ask(pool(&scratch.db), machine).await.unwrap();
        clock.machine = || panic!("nobody looks");
        clock.follow(pool(&scratch.db)).await.unwrap();
    }

    #[test]
    fn an_answer_that_was_long_on_its_way_makes_no_clock_wrong() {
        let (second, noon) = (Duration::from_secs(1), 12 * HOUR);
        let instant = Duration::from_millis(1);
        assert!(!is_far(noon, noon + NEAR, Duration::ZERO) && !is_far(noon, noon - NEAR, Duration::ZERO));
        assert!(is_far(noon, noon + second, instant) && is_far(noon + second, noon, instant));
        // Read at either end of ten seconds and taken for the middle.
        for servers in [noon - 5 * second, noon + 5 * second] {
            assert!(!is_far(noon, servers, 10 * second), "{servers:?}");
        }
        assert!(is_far(noon, noon + HOUR, 10 * second));
    }
}
