//! Whether anything is asked of a database just now.

use crate::Database;
use crate::engine::Pools;

impl Database {
    /// Whether no call of this process is under way, as far as this handle and its clones go: every connection lies in its
    /// pool, but for the one that listens. For tests that let one thing happen at a time.
    pub fn is_at_rest(&self) -> bool {
        match &self.pools {
            Pools::Lite { reader, writer } => {
                [reader, writer].into_iter().all(|pool| pool.size() as usize == pool.num_idle())
            }
            Pools::Pg(pool) => {
                let listener = usize::from(self.is_told() && !pool.is_closed());
                pool.size() as usize == pool.num_idle() + listener
            }
        }
    }

    /// Whether this process hears what others commit.
    pub fn is_told(&self) -> bool {
        self.wakeups.is_listening()
    }
}
