//! The personal data that the shop should not have sent.

use fastrand::Rng;

use super::Order;

/// Every secret that the traffic holds, by kind.
#[derive(Default)]
pub(in crate::demo) struct Planted {
    pub(in crate::demo) emails: Vec<String>,
    pub(in crate::demo) cards: Vec<String>,
    pub(in crate::demo) tokens: Vec<String>,
}

impl Planted {
    /// Notes what an order has, in every form that the telemetry shows.
    pub(super) fn add(&mut self, order: &Order<'_>) {
        note(&mut self.emails, &order.email);
        note(&mut self.emails, &encoded(&order.email));
        note(&mut self.cards, &order.card);
        note(&mut self.tokens, &order.token);
    }
}

fn note(secrets: &mut Vec<String>, secret: &str) {
    if !secrets.iter().any(|known| known == secret) {
        secrets.push(secret.to_owned());
    }
}

/// An e-mail as it stands in a URL's query.
pub(super) fn encoded(email: &str) -> String {
    email.replace('@', "%40")
}

/// A made-up card number with a right check digit.
pub(super) fn card(random: &mut Rng) -> String {
    let mut digits = vec![4];
    digits.extend((0..14).map(|_| random.u32(..10)));
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| match (place % 2, digit * 2) {
            (0, double) if double > 9 => double - 9,
            (0, double) => double,
            _ => *digit,
        })
        .sum();
    digits.push((10 - sum % 10) % 10);
    digits
        .iter()
        .filter_map(|digit| char::from_digit(*digit, 10))
        .collect()
}
