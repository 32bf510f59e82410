//! A request in the form in which it is sent: compressed or not, and counted where it was opened.

use std::sync::Arc;

use bytes::Bytes;

use super::answer::Failure;
use super::lot::{INLINE, counted};
use crate::batch::Signal;
use crate::compression::{self, Coding};
use crate::memory::Lease;
use crate::payload::Payload;

/// A request in the form in which it is sent, however often.
pub(super) struct Prepared {
    pub(super) signal: Signal,
    /// With its gRPC prefix in front.
    pub(super) framed: Bytes,
    pub(super) coding: Option<Coding>,
    /// Spans, data points or log records; none where nobody opened it.
    pub(super) items: u64,
    /// What the bytes are charged with.
    pub(super) _lease: Option<Arc<Lease>>,
}

impl Prepared {
    /// Brings a request into the form in which it is sent. What is at hand in that form is taken as it is; what is opened is
    /// counted.
    pub(super) async fn new(
        payload: Payload,
        coding: Option<Coding>,
        items: u64,
    ) -> Result<Self, Failure> {
        let signal = payload.signal();
        let form = |payload: &Payload| match coding {
            Some(coding) => payload.framed_in(coding).cloned(),
            None => payload.framed().cloned(),
        };
        let (payload, items) = if form(&payload).is_some() {
            (payload, items)
        } else if payload.opened_size() <= INLINE {
            convert(payload, coding, items)?
        } else {
            tokio::task::spawn_blocking(move || convert(payload, coding, items))
                .await
                .map_err(|error| Failure::permanent(error.to_string()))??
        };
        let framed = form(&payload)
            .ok_or_else(|| Failure::permanent("the request has no bytes".to_owned()))?;
        Ok(Self {
            signal,
            framed,
            coding,
            items,
            _lease: payload.lease(),
        })
    }
}

fn convert(
    payload: Payload,
    coding: Option<Coding>,
    items: u64,
) -> Result<(Payload, u64), Failure> {
    let converted = match coding {
        Some(coding) => compression::pack(payload, coding),
        None => compression::open(payload),
    };
    let payload = converted.map_err(|refusal| Failure::permanent(refusal.to_string()))?;
    let items = match payload.message() {
        Some(message) => counted(items, payload.signal(), &message),
        None => items,
    };
    Ok((payload, items))
}
