//! How long a connection may live, and how a peer that is gone without a word is noticed (`keepalive.server_parameters`).

use std::time::Duration;

/// How connections are kept and given up. An idle one is given up after [`Protocol::idle_timeout`](super::Protocol).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keepalive {
    /// When a connection is told to go, so that its peer connects again, perhaps to another; never if `None`.
    /// Example: `max_connection_age: 10m`.
    pub max_connection_age: Option<Duration>,
    /// How long the requests in flight may take to end after that; until they have if `None`.
    /// Example: `max_connection_age_grace: 30s`.
    pub max_connection_age_grace: Option<Duration>,
    /// After how long without a word from the peer it is asked for one. It also bounds a request head that never ends over
    /// HTTP/2, since nothing else can come in between. Example: `time: 30s`.
    pub time: Duration,
    /// How long the peer may take to answer that. Example: `timeout: 20s`.
    pub timeout: Duration,
}

impl Default for Keepalive {
    fn default() -> Self {
        Self {
            max_connection_age: None,
            max_connection_age_grace: None,
            time: Duration::from_secs(30),
            timeout: Duration::from_secs(20),
        }
    }
}

impl Keepalive {
    /// The age of one connection, up to 10 % more or less, so that connections that were made together do not all go together.
    pub(super) fn age(&self) -> Option<Duration> {
        self.max_connection_age
            .map(|age| age.mul_f64(0.9 + 0.2 * fastrand::f64()))
    }
}

/// Ends after so long, or never.
pub(super) async fn elapsed(time: Option<Duration>) {
    match time {
        Some(time) => tokio::time::sleep(time).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_stays_within_a_tenth_and_uses_it() {
        let keepalive = Keepalive {
            max_connection_age: Some(Duration::from_secs(100)),
            ..Keepalive::default()
        };
        let ages: Vec<_> = (0..500).map(|_| keepalive.age().unwrap()).collect();
        let (least, most) = (ages.iter().min().unwrap(), ages.iter().max().unwrap());
        assert!(*least >= Duration::from_secs(90) && *most <= Duration::from_secs(110));
        assert!(*least + Duration::from_secs(10) < *most);
        assert_eq!(Keepalive::default().age(), None);
    }
}
