//! Which actions a program can carry out: the agent those of this crate, another program its own.

use crate::action::{ALL, Action};
use crate::fault;
use base::{Fault, Result};
use record::ActionKind;
use std::ops::Deref;
use std::sync::Arc;

/// One action: of this crate's table, or of a program over things that the program owns.
#[derive(Clone)]
pub enum Hand {
    /// A row of [`ALL`].
    Fixed(&'static dyn Action),
    /// A program's own.
    Own(Arc<dyn Action>),
}

impl Deref for Hand {
    type Target = dyn Action;

    fn deref(&self) -> &(dyn Action + 'static) {
        match self {
            Hand::Fixed(action) => *action,
            Hand::Own(action) => &**action,
        }
    }
}

/// The actions of a program; the first one of a kind counts.
#[derive(Clone)]
pub struct Hands(Arc<[Hand]>);

impl Hands {
    /// What a host's agent can do: [`ALL`].
    pub fn of_host() -> Hands {
        Hands(ALL.iter().map(|action| Hand::Fixed(*action)).collect())
    }

    /// What another program can do.
    pub fn of(actions: impl IntoIterator<Item = Arc<dyn Action>>) -> Hands {
        Hands(actions.into_iter().map(Hand::Own).collect())
    }

    /// The action of a kind.
    ///
    /// # Errors
    /// [`fault::NO_HANDS`] for a kind that this program cannot carry out, [`fault::BAD_ORDER`] for none at all.
    pub fn hand(&self, kind: ActionKind) -> Result<Hand> {
        if kind == ActionKind::Unknown {
            return Err(Fault::new(&fault::BAD_ORDER).object("action").expected("a known action").found(kind.word()));
        }
        let none = || {
            let words: Vec<&str> = self.0.iter().map(|action| action.kind().word()).collect();
            Fault::new(&fault::NO_HANDS).object(kind.word()).expected(words.join(", ")).found(kind.word())
        };
        self.0.iter().find(|action| action.kind() == kind).cloned().ok_or_else(none)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_has_hands_for_what_a_host_can_do_and_says_so_of_the_rest() {
        let hands = Hands::of_host();
        for kind in ActionKind::ALL {
            let hand = hands.hand(*kind);
            assert_eq!(hand.is_ok(), ActionKind::HOST.contains(kind), "{}", kind.word());
            if let Err(refused) = hand {
                assert!(refused.is(&fault::NO_HANDS) && refused.to_string().contains(kind.word()), "{refused}");
            }
        }
        assert!(Hands::of([]).hand(ActionKind::Block).is_err());
    }
}
