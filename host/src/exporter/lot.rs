//! What is sent as one: a request, several that are put together, or a part of one that is too large.
//!
//! Requests are kept as they came until they are delivered: of several that are refused each can be sent by itself, of several
//! that are too large the half, and none of that needs a copy. One that is joined of what several senders sent is sent in parts
//! if it is refused.

use std::collections::VecDeque;

use super::answer::Failure;
use super::parts::{Cut, Rest, Why};
use super::room::Room;
use crate::payload::Payload;
use crate::queue::{Queued, Ticket};

/// Requests of one signal that are sent as one, and the duty to say how they ended.
pub(super) struct Lot {
    /// With the spans, data points or log records of each; none where nobody opened it.
    pub(super) requests: Vec<(Payload, u64)>,
    pub(super) tickets: Vec<Ticket>,
}

/// What one attempt sends.
pub(super) struct Piece {
    /// What is put together, and the spans, data points or log records of each; none where nobody opened it.
    pub(super) requests: Vec<(Payload, u64)>,
    /// Where it was cut off, if it is a part of a request.
    pub(super) cut: Option<Cut>,
}

/// What is left to send of a lot.
pub(super) struct Pieces {
    left: VecDeque<Left>,
    room: Room,
}

enum Left {
    Piece(Piece),
    /// A request of which parts are sent.
    Rest(Rest),
}

impl From<Queued> for Lot {
    fn from(queued: Queued) -> Self {
        let (payload, ticket) = queued.split();
        Self {
            requests: vec![(payload, ticket.items())],
            tickets: vec![ticket],
        }
    }
}

impl Lot {
    /// A lot of these requests, if there are any.
    pub(super) fn new(requests: Vec<(Payload, Ticket)>) -> Option<Self> {
        let counted = |(payload, ticket): (Payload, Ticket)| ((payload, ticket.items()), ticket);
        let (requests, tickets): (Vec<_>, _) = requests.into_iter().map(counted).unzip();
        (!requests.is_empty()).then_some(Self { requests, tickets })
    }
}

impl Piece {
    fn of(requests: Vec<(Payload, u64)>) -> Self {
        Self {
            requests,
            cut: None,
        }
    }

    /// Whether it is a request of several senders, or a part of one.
    fn is_joined(&self) -> bool {
        match &self.cut {
            Some(cut) => cut.is_joined(),
            None => self.requests.iter().any(|(one, _)| one.is_joined()),
        }
    }

    /// Spans, data points or log records, as far as they are known.
    pub(super) fn items(&self) -> u64 {
        self.requests.iter().map(|(_, items)| items).sum()
    }
}

impl Pieces {
    /// A lot that is sent as one, unless it is a request of more than `max_bytes`.
    pub(super) fn new(requests: Vec<(Payload, u64)>, room: Room, max_bytes: Option<usize>) -> Self {
        let left = match (requests.as_slice(), max_bytes) {
            ([(one, items)], Some(max)) if one.opened_size() > max => {
                Left::Rest(Rest::whole(one.clone(), *items, max))
            }
            _ => Left::Piece(Piece::of(requests)),
        };
        Self {
            left: VecDeque::from([left]),
            room,
        }
    }

    /// What is sent next; the error is what cannot be, and why.
    pub(super) async fn next(&mut self) -> Option<Result<Piece, (Piece, Failure)>> {
        loop {
            let rest = match self.left.pop_front()? {
                Left::Piece(piece) => return Some(Ok(piece)),
                Left::Rest(rest) => rest,
            };
            let whole = Piece::of(vec![rest.request()]);
            let is_begun = rest.is_begun();
            match rest.cut(self.room).await {
                Ok(Some((part, rest))) => {
                    self.left_after(rest);
                    return Some(Ok(part));
                }
                Ok(None) if is_begun => {}
                // It cannot be parted. The backend may take it all the same.
                Ok(None) => return Some(Ok(whole)),
                Err(failure) => return Some(Err((whole, failure))),
            }
        }
    }

    fn left_after(&mut self, rest: Option<Rest>) {
        if let Some(rest) = rest {
            self.left.push_front(Left::Rest(rest));
        }
    }

    /// Sends a piece again before all others.
    pub(super) fn again(&mut self, piece: Piece) {
        self.left.push_front(Left::Piece(piece));
    }

    /// Sends a piece again in smaller ones, if the backend may take those rather than the whole; gives it back otherwise.
    pub(super) async fn again_smaller(
        &mut self,
        mut piece: Piece,
        failure: &Failure,
    ) -> Result<(), Piece> {
        let is_refused = !failure.retryable && !failure.too_large;
        match piece.requests.len() {
            1 if failure.too_large => self.part(piece, Why::TooLarge).await,
            // What some sender sent should not cost the others.
            1 if is_refused && piece.is_joined() => self.part(piece, Why::Refused).await,
            0 | 1 => Err(piece),
            // One request that is refused should not cost the others.
            _ if is_refused => {
                for one in piece.requests.into_iter().rev() {
                    self.again(Piece::of(vec![one]));
                }
                Ok(())
            }
            count if failure.too_large => {
                let rest = piece.requests.split_off(count / 2);
                self.again(Piece::of(rest));
                self.again(Piece::of(piece.requests));
                Ok(())
            }
            _ => Err(piece),
        }
    }

    /// Sends a request, or what is left of one, in parts of half the size.
    async fn part(&mut self, piece: Piece, why: Why) -> Result<(), Piece> {
        let rest = match &piece.cut {
            Some(cut) => cut.halved(why),
            None => piece.requests.first().map(|one| Rest::halved(one, why)),
        };
        let Some(rest) = rest else {
            return Err(piece);
        };
        match rest.cut(self.room).await {
            Ok(Some((part, rest))) => {
                // What was left of the request is in the rest of it again.
                if piece.cut.as_ref().is_some_and(|cut| !cut.is_last()) {
                    self.left.pop_front();
                }
                self.left_after(rest);
                self.again(part);
                Ok(())
            }
            Ok(None) | Err(_) => Err(piece),
        }
    }
}
