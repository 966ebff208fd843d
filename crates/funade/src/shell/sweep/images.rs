//! Whether images are in their registries: each is asked for once in a sweep, whatever the answer.
//!
//! Nearly all targets of a service run the same image, and a registry that does not answer would
//! hold each of them up. So a question that failed is remembered as failed, and a registry that
//! leaves several in a row open is asked no more.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt, stream};

use super::{Failed, Missed, Part, Round, SIDE_BY_SIDE_MAX, UNANSWERED_MAX, unreachable_registry};
use crate::config::Registry;
use crate::facts::finding::{About, FindingKind};
use crate::facts::names::{Digest, Place, RepositoryName};
use crate::world::{CallError, Ecr, World};

/// An image: in which registry and repository, by its digest.
pub(super) type Image = (Place, RepositoryName, Digest);

/// What was asked of registries.
#[derive(Default)]
pub(super) struct Images {
    /// `None` where nobody knows.
    answers: RefCell<BTreeMap<Image, Option<bool>>>,
    /// The registries that have failed.
    failing: RefCell<BTreeMap<Place, Failing>>,
}

/// A registry that left questions open.
struct Failing {
    open: usize,
    in_a_row: usize,
    first: Missed,
    /// Why it refused one, if it did.
    refusal: Option<String>,
}

/// Whether an image is there; `None` if its registry does not say.
pub(super) async fn is_present<W: World>(round: &Round<'_, W>, image: Image) -> Option<bool> {
    let images = &round.images;
    if let Some(known) = images.answers.borrow().get(&image) {
        return *known;
    }
    let (place, repository, digest) = &image;
    let answer = if images.is_given_up(place) {
        images.failed(place, None);
        None
    } else {
        let registry = Registry { place: place.clone() };
        let asked = round.world.ecr().has_image(&registry, repository, digest);
        match round.in_time(asked).await {
            Ok(present) => {
                images.answered(place);
                Some(present)
            }
            Err(missed) => {
                images.failed(place, Some(missed));
                None
            }
        }
    };
    images.answers.borrow_mut().insert(image, answer);
    answer
}

/// Asks for these, side by side.
pub(super) async fn ask_for<W: World>(round: &Round<'_, W>, wanted: BTreeSet<Image>) {
    let asked = wanted.into_iter().map(|image| is_present(round, image));
    stream::iter(asked).buffer_unordered(SIDE_BY_SIDE_MAX).for_each(async |_| ()).await;
}

/// What registries left open, to be told.
pub(super) fn left_open<W: World>(round: &Round<'_, W>) -> Part {
    let mut part = Part::default();
    for (place, failing) in round.images.failing.borrow().iter() {
        let what = format!("{} images in {place}", failing.open);
        part.failed.push(Failed { what, error: failing.first.in_full() });
        part.unseen.insert((About::Place(place.clone()), FindingKind::Unreachable));
        let refusal = failing.refusal.as_ref();
        part.findings.extend(refusal.and_then(|error| unreachable_registry(round, place, error)));
    }
    part
}

impl Images {
    fn is_given_up(&self, place: &Place) -> bool {
        self.failing.borrow().get(place).is_some_and(|failing| failing.in_a_row >= UNANSWERED_MAX)
    }

    fn answered(&self, place: &Place) {
        if let Some(failing) = self.failing.borrow_mut().get_mut(place) {
            failing.in_a_row = 0;
        }
    }

    /// `None` where it was not even asked.
    fn failed(&self, place: &Place, missed: Option<Missed>) {
        let mut failing = self.failing.borrow_mut();
        if let Some(failing) = failing.get_mut(place) {
            failing.open += 1;
            failing.in_a_row += 1;
            if failing.refusal.is_none() {
                failing.refusal = missed.and_then(|missed| Some(missed.refusal()?.in_full()));
            }
        } else if let Some(first) = missed {
            let refusal = first.refusal().map(CallError::in_full);
            failing.insert(place.clone(), Failing { open: 1, in_a_row: 1, first, refusal });
        }
    }
}
