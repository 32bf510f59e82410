//! A queue that ends with its owner, an exporter or a connector: what both do with theirs.

use std::ops::Deref;

use super::{Lost, Queue};

/// A queue that is stopped when it is dropped, which loses what it still holds: see [`finish`](Self::finish).
pub struct Owned(Queue);

impl Owned {
    /// Takes no more, and waits until all that was taken has ended, however long that takes.
    pub async fn finish(&self) {
        self.close();
        self.emptied().await;
    }

    /// Takes no more, ends at once, and says what was taken and is lost.
    pub async fn abort(&self) -> Lost {
        self.stop();
        self.ended().await
    }
}

impl From<Queue> for Owned {
    fn from(queue: Queue) -> Self {
        Self(queue)
    }
}

impl Deref for Owned {
    type Target = Queue;

    fn deref(&self) -> &Queue {
        &self.0
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        self.0.stop();
    }
}
