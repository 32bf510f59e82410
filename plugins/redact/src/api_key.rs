//! Keys with a form of their own: from the long word that every one of them holds, back to what keys begin with.

mod form;

use std::ops::Range;

use crate::text::{at, before, part, read_before, run_end, run_start};
use crate::weigh::joints;
use form::{DOTTED, FORMS, Form, Letters, may_begin};

/// How much is looked at of what stands before the dot in a key's head.
const HEAD: usize = 24;
/// No key is shorter, or longer.
const SHORTEST: usize = 16;
const LONGEST: usize = 5000;
/// What is behind a dot belongs to a key if it is longer than this.
const MORE: usize = 12;
/// What only the beginning of a word may be: `cache-key-...` is none.
const LOOSE: &[u8] = b"key-";
/// What Doppler's keys begin with, and how far that is from their word at most: `dp.st.production.`.
const DOPPLER: &[u8] = b"dp.";
const DOPPLER_HEAD: usize = 32;
/// The fewest letters of its word.
const DOPPLER_LEAST: usize = 40;
/// What Slack's webhooks begin with.
const WEBHOOK: &[u8] = b"hooks.slack.com/services/";
const WEBHOOK_PATH: usize = 32;
/// The letters of Telegram's keys behind the colon, and the digits before it.
const TELEGRAM: usize = 35;
const BOT: Range<usize> = 8..11;

/// Whether there may be a key in the long word at `word` behind this byte, of whose first letters the joints have a bit each.
/// It spares most words a look, by a few of their bytes.
pub(crate) fn may_be(text: &[u8], word: usize, previous: u8, mut joints: u64) -> bool {
    let may_follow = match previous {
        b'.' => {
            let head = before(text, word - 1);
            let dotted = || {
                DOTTED
                    .iter()
                    .any(|form| form.prefix.ends_with(&[head, b'.']))
            };
            at(text, word + DOPPLER_LEAST - 1).is_ascii_alphanumeric() || dotted()
        }
        b'/' => true,
        b':' => part(text, word, word + 2) == b"AA",
        _ => false,
    };
    if may_follow || matches!(at(text, word), b'M' | b'N' | b'O') || begins(text, word) {
        return true;
    }
    joints &= (1 << SHORTEST) - 1;
    while joints != 0 {
        if begins(text, word + joints.trailing_zeros() as usize + 1) {
            return true;
        }
        joints &= joints - 1;
    }
    false
}

/// The key that the long word at `word` is part of.
pub(crate) fn find(text: &[u8], word: usize) -> Option<Range<usize>> {
    let end = || run_end(text, word, |byte| Letters::Word.has(byte));
    let found = match (before(text, word), at(text, word)) {
        (b'.', _) => dotted(text, word).or_else(|| doppler(text, word, end())),
        (b'/', _) => webhook(text, word, end()),
        (b':', _) => telegram(text, word, end()),
        (_, b'M' | b'N' | b'O') => discord(text, word, end()),
        _ => None,
    };
    found.or_else(|| in_word(text, word))
}

/// The key that this word is, or that is joined to its first letters: `my_key_sk_live_...`.
fn in_word(text: &[u8], word: usize) -> Option<Range<usize>> {
    if begins(text, word)
        && let Some(found) = at_start(text, word, true)
    {
        return Some(found);
    }
    let head = text.get(word..)?.first_chunk::<SHORTEST>()?;
    let mut joints = joints(*head);
    while joints != 0 {
        let start = word + joints.trailing_zeros() as usize + 1;
        joints &= joints - 1;
        if begins(text, start)
            && let Some(found) = at_start(text, start, false)
        {
            return Some(found);
        }
    }
    None
}

/// Whether a key may start here.
fn begins(text: &[u8], start: usize) -> bool {
    let head = text.get(start..).and_then(<[u8]>::first_chunk);
    head.is_some_and(|head| may_begin(*head))
}

/// The key that starts here, where a word does or in one.
fn at_start(text: &[u8], start: usize, whole: bool) -> Option<Range<usize>> {
    let known = |form: &&Form| whole || form.prefix != LOOSE;
    let rest = part(text, start, start + LONGEST);
    let mut forms = FORMS.iter().filter(known);
    let length = forms.find_map(|form| length(form, rest))?;
    Some(start..with_more(text, start + length))
}

/// Where the key goes on to that a dot parts, as some are.
fn with_more(text: &[u8], end: usize) -> usize {
    let more = run_end(text, end + 1, |byte| Letters::Word.has(byte));
    if at(text, end) == b'.' && more > end + MORE {
        more
    } else {
        end
    }
}

/// The length of the key of this form that this begins with.
fn length(form: &Form, word: &[u8]) -> Option<usize> {
    if form.prefix.first_chunk::<2>() != word.first_chunk() {
        return None; // spares the call that compares the rest
    }
    let secret = word.strip_prefix(form.prefix)?;
    let secret = part(secret, 0, form.most + 1);
    let length = run_end(secret, 0, |byte| form.letters.has(byte));
    let ends = !at(secret, length).is_ascii_alphanumeric();
    let fits = (form.least..=form.most).contains(&length) && ends;
    (fits && is_random(part(secret, 0, length))).then_some(form.prefix.len() + length)
}

/// Whether this may have been made by chance: a name of words has no digits, and not one capital among small letters.
fn is_random(secret: &[u8]) -> bool {
    let has = |is: fn(&u8) -> bool| secret.iter().any(is);
    let letters = has(u8::is_ascii_lowercase) || has(u8::is_ascii_uppercase);
    let mixed = has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase);
    letters && (mixed || has(u8::is_ascii_digit))
}

/// The key whose head a dot parts from the word.
fn dotted(text: &[u8], word: usize) -> Option<Range<usize>> {
    let (mut start, length) = DOTTED.iter().find_map(|form| {
        let start = word.checked_sub(form.prefix.len())?;
        Some((start, length(form, part(text, start, word + LONGEST))?))
    })?;
    let end = with_more(text, start + length);
    if before(text, start) == b'.' {
        start = run_start(text, start - 1, HEAD, |byte| byte.is_ascii_alphanumeric()); // x.atlasv1.
    }
    (!before(text, start).is_ascii_alphanumeric()).then_some(start..end)
}

/// Doppler's: `dp.pt.`, `dp.st.production.` and 40 letters or more.
fn doppler(text: &[u8], word: usize, end: usize) -> Option<Range<usize>> {
    let start = run_start(text, word, DOPPLER_HEAD, |byte| {
        Letters::Word.has(byte) || byte == b'.'
    });
    let secret = part(text, word, end);
    let letters = secret.iter().all(u8::is_ascii_alphanumeric);
    let fits = (DOPPLER_LEAST..=44).contains(&secret.len()) && letters && is_random(secret);
    (fits && part(text, start, word).starts_with(DOPPLER)).then_some(start..end)
}

/// The path of a Slack webhook: `T024BE7LH/B024BE7LH/` and 24 letters.
fn webhook(text: &[u8], word: usize, end: usize) -> Option<Range<usize>> {
    word.checked_sub(WEBHOOK.len())?;
    let near = word.saturating_sub(WEBHOOK_PATH + WEBHOOK.len());
    let host = part(text, near, word)
        .windows(WEBHOOK.len())
        .rposition(|host| host == WEBHOOK)?;
    Some(near + host + WEBHOOK.len()..end)
}

/// Telegram's: the bot's number, a colon, and 35 letters that begin with AA.
fn telegram(text: &[u8], word: usize, end: usize) -> Option<Range<usize>> {
    let bot = run_start(text, word - 1, BOT.end, |byte| byte.is_ascii_digit());
    let before_bot = before(text, bot);
    let starts = !before_bot.is_ascii_alphanumeric() || read_before(text, bot, b"bot");
    let secret = part(text, word, end);
    let fits = secret.len() == TELEGRAM && secret.starts_with(b"AA") && is_random(secret);
    (fits && starts && BOT.contains(&(word - 1 - bot))).then_some(bot..end)
}

/// Discord's: a user's number in base64, and parts of 6 and at least 27 letters behind dots.
fn discord(text: &[u8], word: usize, end: usize) -> Option<Range<usize>> {
    let user = part(text, word, end);
    let next = run_end(text, end + 1, |byte| Letters::Word.has(byte));
    let last = run_end(text, next + 1, |byte| Letters::Word.has(byte));
    let parted = at(text, end) == b'.' && at(text, next) == b'.';
    let lengths = (23..=28).contains(&user.len())
        && next == end + 7
        && (27..=38).contains(&(last.max(next + 1) - next - 1));
    (parted && lengths && is_random(part(text, word, last))).then_some(word..last)
}

#[cfg(test)]
mod tests;
