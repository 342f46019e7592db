//! Lists side by side: by what names their items, by position where the order means something, else as sets.

use std::collections::HashMap;

use serde_json::Value as Json;

use super::Walk;
use cfn::Path;

/// What names an item among others, where the order means nothing.
const NAMES: [&str; 9] =
    ["Key", "Name", "Id", "AttributeName", "IndexName", "PolicyName", "DeviceName", "VolumeName", "Sid"];

impl Walk<'_> {
    pub(super) fn list<'v>(&mut self, path: &Path, place: &mut Vec<&'v str>, old: &'v [Json], new: &'v [Json]) {
        let statements = place.last() == Some(&"Statement");
        if !statements && !self.nature.is_unordered(place) {
            return self.ordered(path, place, old, new);
        }
        let named =
            NAMES.iter().filter(|_| !statements).find_map(|name| Some((by_name(old, name)?, by_name(new, name)?)));
        place.push("*");
        match named {
            Some((old, new)) => self.named(path, place, &old, &new),
            None => self.set(path, place, old, new),
        }
        place.pop();
    }

    /// Where the order means something: by position, or as a whole where there are more or fewer.
    fn ordered<'v>(&mut self, path: &Path, place: &mut Vec<&'v str>, old: &'v [Json], new: &'v [Json]) {
        if old.len() != new.len() {
            let (old, new) = (Json::from(old), Json::from(new));
            let causes = self.nature.of_change(place, Some(&old), Some(&new));
            return self.push(path, Some(&old), Some(&new), causes);
        }
        place.push("*");
        for (at, (old, new)) in old.iter().zip(new).enumerate() {
            self.value(&path.item(at), place, Some(old), Some(new));
        }
        place.pop();
    }

    /// Items with the same name are the same item.
    fn named<'v>(
        &mut self,
        path: &Path,
        place: &mut Vec<&'v str>,
        old: &HashMap<&'v str, &'v Json>,
        new: &HashMap<&'v str, &'v Json>,
    ) {
        let mut names: Vec<&str> = old.keys().chain(new.keys()).copied().collect();
        names.sort_unstable();
        names.dedup();
        for name in names {
            self.value(&path.key(name), place, old.get(name).copied(), new.get(name).copied());
        }
    }

    /// What is in one and not in the other; one for one is a change of it.
    fn set<'v>(&mut self, path: &Path, place: &mut Vec<&'v str>, old: &'v [Json], new: &'v [Json]) {
        let mut count: HashMap<String, usize> = HashMap::new();
        new.iter().for_each(|item| *count.entry(item.to_string()).or_default() += 1);
        let mut gone = rest(old, &mut count);
        let mut count: HashMap<String, usize> = HashMap::new();
        old.iter().for_each(|item| *count.entry(item.to_string()).or_default() += 1);
        let mut come = rest(new, &mut count);
        if let ([(_, old)], [(at, new)]) = (gone.as_slice(), come.as_slice()) {
            let causes = self.nature.of_change(place, Some(old), Some(new));
            return self.push(&path.item(*at), Some(old), Some(new), causes);
        }
        for (at, old) in gone.drain(..) {
            let causes = self.nature.of_change(place, Some(old), None);
            self.push(&path.item(at), Some(old), None, causes);
        }
        for (at, new) in come.drain(..) {
            let causes = self.nature.of_change(place, None, Some(new));
            self.push(&path.item(at), None, Some(new), causes);
        }
    }
}

/// The items by what this member says, where it names each of them, all differently.
fn by_name<'v>(items: &'v [Json], name: &str) -> Option<HashMap<&'v str, &'v Json>> {
    let names: Option<HashMap<&str, &Json>> =
        items.iter().map(|item| Some((item.get(name)?.as_str()?, item))).collect();
    names.filter(|names| names.len() == items.len())
}

/// The items that are not among those that were counted, each with its place.
fn rest<'v>(items: &'v [Json], counted: &mut HashMap<String, usize>) -> Vec<(usize, &'v Json)> {
    let left = items.iter().enumerate().filter(|(_, item)| match counted.get_mut(&item.to_string()) {
        Some(count) if *count > 0 => {
            *count -= 1;
            false
        }
        _ => true,
    });
    left.collect()
}
