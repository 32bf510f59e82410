//! Texts in one piece: checked on the way in, made UTF-8 on the way out.

use super::{
    Misuse, PackedTexts,
    budget::{Budget, Halt},
    live::bit,
};

/// Refuses packed texts whose parts do not fit each other.
pub(super) fn check_packed(texts: &PackedTexts) -> Result<(), Misuse> {
    let fault = |what: &str| Err(Misuse::new(format!("packed texts {what}")));
    if texts.present.len() != texts.ends.len().div_ceil(8) {
        return fault("with the wrong number of presence bytes");
    }
    if texts.ends.last().map_or(0, |end| *end as usize) != texts.data.len() {
        return fault("whose last end is not the end of their data");
    }
    let Ok(data) = std::str::from_utf8(&texts.data) else {
        return fault("that are not UTF-8");
    };
    let mut start = 0;
    for &end in &texts.ends {
        if end < start || !data.is_char_boundary(end as usize) {
            return fault("with ends that do not ascend or that cut a character");
        }
        start = end;
    }
    Ok(())
}

/// Text `i` of checked packed texts.
pub(super) fn packed_text(texts: &PackedTexts, i: usize) -> Option<&[u8]> {
    let start = i
        .checked_sub(1)
        .and_then(|i| texts.ends.get(i))
        .map_or(0, |end| *end as usize);
    let end = *texts.ends.get(i)? as usize;
    bit(&texts.present, i).then(|| texts.data.get(start..end).unwrap_or_default())
}

/// Puts U+FFFD where texts are not UTF-8. One look at all of them at once is far cheaper than one at each: where the whole
/// is UTF-8 and no end cuts a character, every text is.
pub(super) fn settle(texts: &mut PackedTexts, budget: &mut Budget) -> Result<(), Halt> {
    if texts.data.is_ascii() {
        return Ok(());
    }
    let whole = std::str::from_utf8(&texts.data);
    if whole.is_ok_and(|all| {
        texts
            .ends
            .iter()
            .all(|end| all.is_char_boundary(*end as usize))
    }) {
        return Ok(());
    }
    budget.charge(texts.data.len().saturating_mul(2))?;
    let old = std::mem::take(&mut texts.data);
    let mut start = 0;
    for end in &mut texts.ends {
        let text = old.get(start..*end as usize).unwrap_or_default();
        start = *end as usize;
        texts
            .data
            .extend_from_slice(String::from_utf8_lossy(text).as_bytes());
        *end = end_of(&texts.data)?;
    }
    Ok(())
}

#[inline]
pub(super) fn end_of(data: &[u8]) -> Result<u32, Halt> {
    u32::try_from(data.len()).map_err(|_over| Halt::misuse("texts of more than 4 GiB"))
}

/// Appends a text. Most are short, for which a general copy takes longer.
#[inline(never)]
fn append(data: &mut Vec<u8>, text: &[u8]) {
    /// From either end, so that both copies have a fixed length; they may overlap.
    fn ends<const BYTES: usize>(data: &mut Vec<u8>, text: &[u8]) -> Option<()> {
        let behind = data.len() + text.len();
        data.extend_from_slice(text.first_chunk::<BYTES>()?);
        data.truncate(behind - BYTES);
        data.extend_from_slice(text.last_chunk::<BYTES>()?);
        Some(())
    }
    let copied = match text.len() {
        4..=8 => ends::<4>(data, text),
        9..=16 => ends::<8>(data, text),
        17..=32 => ends::<16>(data, text),
        _ => None,
    };
    if copied.is_none() {
        data.extend_from_slice(text);
    }
}

/// Appends the first so many of these bytes, which there are: with what follows them, where that is quicker.
#[inline]
pub(super) fn append_part(data: &mut Vec<u8>, bytes: &[u8], len: usize) {
    const COPIED: usize = 32;
    match bytes.first_chunk::<COPIED>() {
        Some(chunk) if len <= COPIED => {
            let behind = data.len() + len;
            data.extend_from_slice(chunk);
            data.truncate(behind);
        }
        _ => append(data, bytes.get(..len).unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::append_part;

    #[test]
    fn texts_of_every_length_are_appended_whole() {
        let text: Vec<u8> = (0..80).collect();
        for len in 0..=text.len() {
            let mut data = b"x".to_vec();
            append_part(&mut data, &text[..len], len);
            append_part(&mut data, &text, len);
            assert_eq!(data, [b"x", &text[..len], &text[..len]].concat());
        }
    }
}
