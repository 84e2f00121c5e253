//! A folder of Hadoop's configuration files.

use std::collections::BTreeMap;
use std::path::Path;

use crate::error::{Error, ErrorKind, Result};

/// Read in this order: what the later file says holds.
const FILES: [&str; 2] = ["core-site.xml", "hdfs-site.xml"];

/// The properties of the files in a folder.
///
/// # Errors
/// `NotFound` where neither file is there; `InvalidArgument` where one is not what Hadoop writes, `Unsupported` where
/// it includes another, which would be left out in silence otherwise.
pub(crate) fn read(folder: &Path) -> Result<BTreeMap<String, String>> {
    let mut properties = BTreeMap::new();
    let mut found = false;
    for name in FILES {
        let file = folder.join(name);
        match std::fs::read_to_string(&file) {
            Ok(text) => {
                found = true;
                parse(&text, &mut properties).map_err(|error| error.at(file.display()))?;
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => {
                let text = format!("the Hadoop configuration cannot be read: {error}");
                return Err(Error::new(ErrorKind::InvalidArgument, text).at(file.display()));
            }
        }
    }
    if found {
        Ok(properties)
    } else {
        let text = "neither core-site.xml nor hdfs-site.xml is in the folder of the Hadoop configuration";
        Err(Error::new(ErrorKind::NotFound, text).at(folder.display()))
    }
}

fn parse(text: &str, properties: &mut BTreeMap<String, String>) -> Result<()> {
    let document = roxmltree::Document::parse(text).map_err(|error| {
        Error::new(ErrorKind::InvalidArgument, format!("it is not a Hadoop configuration: {error}"))
    })?;
    let configuration = document.root_element();
    if configuration.tag_name().name() != "configuration" {
        return Err(Error::new(ErrorKind::InvalidArgument, "it is not a Hadoop configuration"));
    }
    for element in configuration.children().filter(roxmltree::Node::is_element) {
        if element.tag_name().name() == "include" {
            let text = "it includes another file, which is not read; put the properties into one file";
            return Err(Error::new(ErrorKind::Unsupported, text));
        }
        let field = |name: &str| {
            let field = element.children().find(|child| child.tag_name().name() == name)?;
            Some(field.text().unwrap_or_default().trim().to_owned())
        };
        if let (Some(name), Some(value)) = (field("name"), field("value")) {
            properties.insert(name, value);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_later_file_holds_and_an_include_is_refused() {
        let folder = tempfile::TempDir::new().unwrap();
        assert_eq!(read(folder.path()).unwrap_err().kind(), ErrorKind::NotFound);
        let one = |name: &str, value: &str| {
            format!("<configuration><property><name>{name}</name><value>\n {value} </value></property></configuration>")
        };
        std::fs::write(folder.path().join("core-site.xml"), one("dfs.replication", "3")).unwrap();
        assert_eq!(read(folder.path()).unwrap()["dfs.replication"], "3");
        std::fs::write(folder.path().join("hdfs-site.xml"), one("dfs.replication", "2")).unwrap();
        assert_eq!(read(folder.path()).unwrap()["dfs.replication"], "2");
        let include =
            "<configuration xmlns:xi=\"http://www.w3.org/2001/XInclude\"><xi:include href=\"a.xml\"/></configuration>";
        std::fs::write(folder.path().join("hdfs-site.xml"), include).unwrap();
        assert_eq!(read(folder.path()).unwrap_err().kind(), ErrorKind::Unsupported);
        std::fs::write(folder.path().join("hdfs-site.xml"), "<nothing/>").unwrap();
        assert_eq!(read(folder.path()).unwrap_err().kind(), ErrorKind::InvalidArgument);
    }
}
