//! Canonical forms of whole documents. The expected ones are those of libxml2, comments taken out.

use cpix::c14n::{Method, canonicalize};

const PLAIN: &str = r#"<?xml version="1.0"?>

<?xml-stylesheet   href="doc.xsl"
   type="text/xsl"   ?>

<doc>Hello, world!<!-- Comment 1 --></doc>

<?pi-without-data     ?>

<!-- Comment 2 -->

<!-- Comment 3 -->
"#;

const DETAILS: &str = r#"<doc xmlns:unused="urn:unused">
   <e1   />
   <e3   name = "elem3"   id="elem3"   />
   <e5 a:attr="out" b:attr="sorted" attr2="all" attr="I'm"
      xmlns:b="http://www.ietf.org"
      xmlns:a="http://www.w3.org"
      xmlns="http://example.org"/>
   <e6 xmlns="" xmlns:a="http://www.w3.org">
      <e7 xmlns="http://www.ietf.org">
         <e8 xmlns="" xmlns:a="http://www.w3.org">
            <e9 xmlns="" xmlns:a="http://www.ietf.org" a:x="1"/>
         </e8>
      </e7>
   </e6>
   <text>First line&#x0d;&#10;Second line</text>
   <value>&#x32;</value>
   <value><![CDATA[value>"0" && value<"10" ?"valid":"error"]]></value>
   <compute expr='value>"0" &amp;&amp; value&lt;"10" ?"valid":"error"'>valid</compute>
   <norm attr=' &apos;   &#x20;&#13;&#xa;&#9;   &apos; '/>
   <multi line="a
b	c">é &#x20ac;</multi>
</doc>"#;

const INCLUSIVE: &str = r#"<doc xmlns:unused="urn:unused">
   <e1></e1>
   <e3 id="elem3" name="elem3"></e3>
   <e5 xmlns="http://example.org" xmlns:a="http://www.w3.org" xmlns:b="http://www.ietf.org" attr="I'm" attr2="all" b:attr="sorted" a:attr="out"></e5>
   <e6 xmlns:a="http://www.w3.org">
      <e7 xmlns="http://www.ietf.org">
         <e8 xmlns="">
            <e9 xmlns:a="http://www.ietf.org" a:x="1"></e9>
         </e8>
      </e7>
   </e6>
   <text>First line&#xD;
Second line</text>
   <value>2</value>
   <value>value&gt;"0" &amp;&amp; value&lt;"10" ?"valid":"error"</value>
   <compute expr="value>&quot;0&quot; &amp;&amp; value&lt;&quot;10&quot; ?&quot;valid&quot;:&quot;error&quot;">valid</compute>
   <norm attr=" '    &#xD;&#xA;&#x9;   ' "></norm>
   <multi line="a b c">é €</multi>
</doc>"#;

#[test]
fn instructions_stay_and_comments_go() {
    let expected =
        "<?xml-stylesheet href=\"doc.xsl\"\n   type=\"text/xsl\"   ?>\n<doc>Hello, world!</doc>\n<?pi-without-data?>";
    for method in Method::ALL {
        assert_eq!(canonicalize(PLAIN.as_bytes(), method).unwrap(), expected);
        let windows = format!("\u{feff}{}", PLAIN.replace('\n', "\r\n"));
        assert_eq!(canonicalize(windows.as_bytes(), method).unwrap(), expected);
    }
}

#[test]
fn tags_attributes_references_and_namespaces_take_one_form() {
    for method in [Method::Inclusive10, Method::Inclusive11] {
        assert_eq!(canonicalize(DETAILS.as_bytes(), method).unwrap(), INCLUSIVE);
    }
    let exclusive = INCLUSIVE
        .replace(r#"<doc xmlns:unused="urn:unused">"#, "<doc>")
        .replace(r#"<e6 xmlns:a="http://www.w3.org">"#, "<e6>");
    assert_eq!(canonicalize(DETAILS.as_bytes(), Method::Exclusive).unwrap(), exclusive);
}

#[test]
fn the_exclusive_form_declares_where_names_are_used() {
    let text = r#"<a xmlns="urn:a" xmlns:p="urn:p" xml:lang="de" xml:id="top" xmlns:q="urn:q"><b id="b" xml:space="preserve"><p:c/><d xmlns="" p:x="1" y="2"/></b></a>"#;
    let expected = r#"<a xmlns="urn:a" xml:id="top" xml:lang="de"><b id="b" xml:space="preserve"><p:c xmlns:p="urn:p"></p:c><d xmlns="" xmlns:p="urn:p" y="2" p:x="1"></d></b></a>"#;
    assert_eq!(canonicalize(text.as_bytes(), Method::Exclusive).unwrap(), expected);
}

#[test]
fn methods_are_known_by_their_names_alone() {
    for method in Method::ALL {
        assert_eq!(Method::from_uri(method.uri()), Some(method));
        assert_eq!(Method::from_uri(&format!("{}WithComments", method.uri())), None);
    }
}
