//! What a button carries: the request, and what exactly it was shown for. Ids only, never authority: rights are judged at the
//! press, and so is whether that is still what is open.

use std::{fmt, str::FromStr};

use super::{
    refusal::Refusal,
    request::{AskKind, Offer, Request, RequestId, State},
    time::Instant,
};

/// A button's value: `R-7K3QD2`, `R-7K3QD2/0` for the first ask, `R-7K3QD2/0/1795528800000000` for an offer made then,
/// `R-7K3QD2/end/1795528800000000` for more time after that end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pressed {
    pub request: RequestId,
    pub about: About,
}

const END: &str = "end";

/// What a press is about. None: whatever is open, as with typed commands and with buttons that older versions made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct About {
    /// Index of the ask.
    pub ask: Option<usize>,
    /// When the offer was made: what tells one offer from the next.
    pub offer: Option<Instant>,
    /// The approved end that more time was shown for: two presses are not twice as much.
    pub end: Option<Instant>,
}

impl About {
    /// Only what is known to have been replaced is refused here; what is not open at all is for the act to say.
    pub fn check(self, request: &Request) -> Result<(), Refusal> {
        if let (Some(end), State::Active { work, .. }) = (self.end, &request.state)
            && end < work.approved_until()
        {
            return Err(Refusal::ExtendedAlready { request: request.id.clone(), until: work.until });
        }
        let Some(round) = request.round() else { return Ok(()) };
        if self.ask.is_some_and(|ask| ask != round.ask) {
            let was = self.ask.and_then(|ask| request.asks.get(ask)).map(|ask| ask.kind);
            let more = matches!(request.state, State::Active { .. }) && was != Some(AskKind::Extension);
            return Err(Refusal::AskReplaced { request: request.id.clone(), more });
        }
        match (self.offer, &round.offer) {
            (Some(pressed), Some(Offer { person, at, .. })) if pressed != *at => {
                Err(Refusal::OfferReplaced { request: request.id.clone(), person: person.clone() })
            }
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Pressed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.request)?;
        if let Some(end) = self.about.end {
            return write!(f, "/{END}/{}", end.micros());
        }
        let Some(ask) = self.about.ask else { return Ok(()) };
        write!(f, "/{ask}")?;
        self.about.offer.map_or(Ok(()), |offer| write!(f, "/{}", offer.micros()))
    }
}

impl FromStr for Pressed {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        let refused = || Refusal::NoSuchRequest { text: text.chars().take(40).collect() };
        let number = |part: &str| part.parse().map_err(|_| refused());
        let instant = |part: &str| part.parse().map(Instant::from_micros).map_err(|_| refused());
        let mut parts = text.split('/');
        let request = parts.next().unwrap_or_default().parse().map_err(|_| refused())?;
        let about = match parts.collect::<Vec<_>>()[..] {
            [] => About::default(),
            [END, end] => About { end: Some(instant(end)?), ..About::default() },
            [ask] => About { ask: Some(number(ask)?), ..About::default() },
            [ask, offer] => About { ask: Some(number(ask)?), offer: Some(instant(offer)?), end: None },
            _ => return Err(refused()),
        };
        Ok(Self { request, about })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_read_as_it_was_written_and_the_bare_id_of_older_buttons_is_about_whatever_is_open() {
        let request = RequestId::new(7);
        for about in [
            About::default(),
            About { ask: Some(2), ..About::default() },
            About { ask: Some(0), offer: Some(Instant::from_micros(1_795_528_800_123_456)), end: None },
            About { end: Some(Instant::from_micros(1_795_528_800_123_456)), ..About::default() },
        ] {
            let pressed = Pressed { request: request.clone(), about };
            assert_eq!(pressed.to_string().parse(), Ok(pressed.clone()));
            assert!(pressed.to_string().len() <= 40, "{pressed}: Discord takes 100 characters, with the action");
        }
        assert_eq!(request.to_string().parse(), Ok(Pressed { request, about: About::default() }));
    }

    #[test]
    fn what_no_button_carries_is_no_request() {
        for text in [
            "",
            "/0",
            "R-7K3QD2/",
            "R-7K3QD2/x",
            "R-7K3QD2/-1",
            "R-7K3QD2/0/",
            "R-7K3QD2/0/now",
            "R-7K3QD2/end",
            "R-7K3QD2/end/",
            "R-7K3QD2/0/1/2",
        ] {
            assert!(matches!(text.parse::<Pressed>(), Err(Refusal::NoSuchRequest { .. })), "{text}");
        }
    }
}
