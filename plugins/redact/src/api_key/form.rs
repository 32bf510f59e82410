//! The forms of keys: what each begins with, and what and how much follows.

/// What a key is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Letters {
    /// `a-z`, `A-Z` and `0-9`.
    Alnum,
    /// Those, `_` and `-`.
    Word,
    /// `A-Z` and `0-9`.
    Upper,
    /// `0-9` and `a-f`.
    Hex,
}

impl Letters {
    pub(super) const fn has(self, byte: u8) -> bool {
        match self {
            Self::Alnum => byte.is_ascii_alphanumeric(),
            Self::Word => byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'),
            Self::Upper => byte.is_ascii_uppercase() || byte.is_ascii_digit(),
            Self::Hex => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
        }
    }
}

/// The form of a key.
pub(super) struct Form {
    /// What it begins with.
    pub(super) prefix: &'static [u8],
    /// What follows.
    pub(super) letters: Letters,
    /// How much of it.
    pub(super) least: usize,
    /// At most so much.
    pub(super) most: usize,
}

const fn form(prefix: &'static str, letters: Letters, least: usize, most: usize) -> Form {
    Form {
        prefix: prefix.as_bytes(),
        letters,
        least,
        most,
    }
}

/// More than any key has.
const ANY: usize = 4096;

use Letters::{Alnum, Hex, Upper, Word};

/// Keys that begin with letters of words.
pub(super) const FORMS: [Form; 96] = [
    form("AKIA", Upper, 16, 16), // Amazon Web Services
    form("ASIA", Upper, 16, 16),
    form("ghp_", Alnum, 36, 255), // GitHub
    form("gho_", Alnum, 36, 255),
    form("ghu_", Alnum, 36, 255),
    form("ghs_", Alnum, 36, 255),
    form("ghr_", Alnum, 36, 255),
    form("github_pat_", Word, 36, 255),
    form("glpat-", Word, 20, 255), // GitLab
    form("gldt-", Word, 20, 64),
    form("glrt-", Word, 20, 64),
    form("glcbt-", Word, 20, 64),
    form("glptt-", Word, 20, 64),
    form("glft-", Word, 20, 64),
    form("glimt-", Word, 20, 64),
    form("glsoat-", Word, 20, 64),
    form("glagent-", Word, 20, 64),
    form("xoxb-", Word, 16, 255), // Slack
    form("xoxa-", Word, 16, 255),
    form("xoxp-", Word, 16, 255),
    form("xoxr-", Word, 16, 255),
    form("xoxs-", Word, 16, 255),
    form("xoxe-", Word, 16, 255),
    form("xapp-", Word, 24, 255),
    form("sk_live_", Alnum, 16, 255), // Stripe
    form("sk_test_", Alnum, 16, 255),
    form("rk_live_", Alnum, 16, 255),
    form("rk_test_", Alnum, 16, 255),
    form("whsec_", Alnum, 24, 64),
    form("AIza", Word, 35, 35), // Google
    form("GOCSPX-", Word, 28, 28),
    form("sk-proj-", Word, 32, 255), // OpenAI
    form("sk-svcacct-", Word, 32, 255),
    form("sk-admin-", Word, 32, 255),
    form("sk-or-v1-", Hex, 64, 64), // OpenRouter
    form("sk-ant-", Word, 32, 255), // Anthropic
    form("sk-", Alnum, 32, 64),
    form("gsk_", Alnum, 48, 64),  // Groq
    form("xai-", Alnum, 64, 96),  // xAI
    form("pplx-", Alnum, 40, 64), // Perplexity
    form("r8_", Alnum, 37, 37),   // Replicate
    form("hf_", Alnum, 34, 40),   // Hugging Face
    form("api_org_", Alnum, 34, 34),
    form("npm_", Alnum, 36, 36),
    form("pypi-", Word, 64, ANY),
    form("rubygems_", Hex, 48, 48),
    form("cio", Alnum, 32, 32),      // crates.io
    form("SK", Hex, 32, 32),         // Twilio
    form("key-", Hex, 32, 32),       // Mailgun
    form("xkeysib-", Word, 64, 128), // Brevo
    form("dop_v1_", Hex, 64, 64),    // DigitalOcean
    form("doo_v1_", Hex, 64, 64),
    form("dor_v1_", Hex, 64, 64),
    form("dapi", Hex, 32, 34),     // Databricks
    form("shpat_", Alnum, 32, 32), // Shopify
    form("shpca_", Alnum, 32, 32),
    form("shppa_", Alnum, 32, 32),
    form("shpss_", Alnum, 32, 32),
    form("sq0atp-", Word, 22, 22), // Square
    form("sq0csp-", Word, 43, 43),
    form("EAAA", Word, 60, 60),
    form("NRAK-", Upper, 27, 27), // New Relic
    form("NRJS-", Hex, 19, 19),
    form("NRII-", Word, 32, 32),
    form("glsa_", Word, 41, 41), // Grafana
    form("glc_", Alnum, 32, 400),
    form("lin_api_", Alnum, 32, 64), // Linear
    form("lin_oauth_", Alnum, 32, 64),
    form("AGE-SECRET-KEY-1", Upper, 58, 58),
    form("ATATT3", Word, 64, 255), // Atlassian
    form("ATCTT3", Word, 64, 255),
    form("ATBB", Alnum, 32, 32),
    form("ntn_", Alnum, 40, 64),       // Notion
    form("pscale_tkn_", Word, 32, 64), // PlanetScale
    form("pscale_pw_", Word, 32, 64),
    form("sbp_", Hex, 40, 40),       // Supabase
    form("nfp_", Alnum, 36, 64),     // Netlify
    form("rnd_", Alnum, 28, 36),     // Render
    form("HRKU-", Word, 36, 64),     // Heroku
    form("bkua_", Hex, 40, 40),      // Buildkite
    form("sntrys_", Alnum, 64, 400), // Sentry
    form("sntryu_", Hex, 64, 64),
    form("phx_", Alnum, 40, 48),     // PostHog
    form("PMAK-", Word, 59, 59),     // Postman
    form("dckr_pat_", Word, 27, 36), // Docker
    form("dckr_oat_", Word, 27, 36),
    form("figd_", Word, 40, 64),   // Figma
    form("CFPAT-", Word, 43, 43),  // Contentful
    form("tskey-", Word, 20, 128), // Tailscale
    form("pul-", Hex, 40, 40),     // Pulumi
    form("EZAK", Alnum, 54, 54),   // EasyPost
    form("shippo_live_", Hex, 40, 40),
    form("duffel_live_", Word, 43, 43),
    form("FLWSECK-", Word, 32, 64), // Flutterwave
    form("aio_", Alnum, 28, 28),    // Adafruit
    form("tfp_", Word, 44, 64),     // Typeform
];

/// Keys of which a dot or the like parts the head from the word that follows it.
pub(super) const DOTTED: [Form; 9] = [
    form("SG.", Word, 22, 22),    // SendGrid
    form("ya29.", Word, 20, ANY), // Google
    form("hvs.", Word, 24, 255),  // HashiCorp Vault
    form("hvb.", Word, 24, ANY),
    form("hvr.", Word, 24, ANY),
    form("dt0c01.", Upper, 24, 24), // Dynatrace
    form("dt0s01.", Upper, 24, 24),
    form("xoxe.", Word, 32, 255),    // Slack
    form("atlasv1.", Word, 32, 128), // Terraform
];

/// A bit for each hash of three bytes that a key begins with: few words begin so.
static BEGIN: [u64; 512] = begin();

/// Whether any of [`FORMS`] may begin with these bytes.
pub(super) fn may_begin(head: [u8; 3]) -> bool {
    let hash = hash(head);
    let bits = BEGIN.get(hash >> 6).copied().unwrap_or(0);
    bits >> (hash & 63) & 1 == 1
}

/// The five lower bits of three bytes, which tell letters apart.
const fn hash([first, second, third]: [u8; 3]) -> usize {
    (first as usize & 31) << 10 | (second as usize & 31) << 5 | third as usize & 31
}

#[expect(
    clippy::indexing_slicing,
    reason = "evaluated by the compiler, which refuses a wrong index"
)]
const fn begin() -> [u64; 512] {
    let mut begin = [0; 512];
    let mut i = 0;
    while i < FORMS.len() {
        let prefix = FORMS[i].prefix;
        // Behind a prefix of two letters stands any.
        let mut third = if prefix.len() > 2 { prefix[2] } else { 0 };
        loop {
            let hash = hash([prefix[0], prefix[1], third]);
            begin[hash >> 6] |= 1 << (hash & 63);
            if prefix.len() > 2 || third == 127 {
                break;
            }
            third += 1;
        }
        i += 1;
    }
    begin
}
