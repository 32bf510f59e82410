//! Puts together what came in several pieces: protobuf merges the occurrences of a message that a message has once, which
//! is the same as joining their bytes. Encoders do not do this, so it is done to a copy of the whole request.

use super::{
    Signal,
    schema::Msg,
    wire::{Reader, Wired, put_len},
};

/// The same request with one piece of each resource, scope and metric's data.
pub(super) fn merged(signal: Signal, message: &[u8]) -> Wired<Vec<u8>> {
    let mut out = Vec::with_capacity(message.len());
    each(message, &mut out, |number, body, out| {
        if number != 1 {
            return Ok(false);
        }
        put_len(
            out,
            1,
            &container(body, |scope| {
                container(scope, |record| match signal {
                    Signal::Metrics => metric(record),
                    Signal::Traces | Signal::Logs => Ok(record.to_vec()),
                })
            })?,
        );
        Ok(true)
    })?;
    Ok(out)
}

/// A resource's or a scope's container: field 1 is joined, field 2 are the messages inside.
fn container(bytes: &[u8], inside: impl Fn(&[u8]) -> Wired<Vec<u8>>) -> Wired<Vec<u8>> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut child: Option<Vec<u8>> = None;
    each(bytes, &mut out, |number, body, out| {
        match number {
            1 => child.get_or_insert_default().extend_from_slice(body),
            2 => put_len(out, 2, &inside(body)?),
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    if let Some(child) = child {
        put_len(&mut out, 1, &child);
    }
    Ok(out)
}

/// A metric: of its data the last kind counts, joined with what came right before of the same kind.
fn metric(bytes: &[u8]) -> Wired<Vec<u8>> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut data: Option<(u32, Vec<u8>)> = None;
    each(bytes, &mut out, |number, body, _| {
        if Msg::of_data(number).is_none() {
            return Ok(false);
        }
        match &mut data {
            Some((kind, joined)) if *kind == number => joined.extend_from_slice(body),
            other => *other = Some((number, body.to_vec())),
        }
        Ok(true)
    })?;
    if let Some((kind, joined)) = data {
        put_len(&mut out, kind, &joined);
    }
    Ok(out)
}

/// Copies every field for which `take` says that it did not write it.
fn each(
    bytes: &[u8],
    out: &mut Vec<u8>,
    mut take: impl FnMut(u32, &[u8], &mut Vec<u8>) -> Wired<bool>,
) -> Wired<()> {
    let mut reader = Reader::new(bytes);
    while let Some(field) = reader.next()? {
        if !take(field.number, field.body, out)? {
            out.extend_from_slice(bytes.get(field.start..field.end).unwrap_or_default());
        }
    }
    Ok(())
}
