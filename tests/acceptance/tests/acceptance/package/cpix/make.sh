#!/bin/sh
# Signs service.xml with xmlsec1 (Debian: xmlsec1, libxmlsec1-openssl), once.
set -e
cd "$(dirname "$0")"
data=../../../../../../crates/cpix/tests/data
sed '/^<\/CPIX>/d' service.xml > signed.tmp
cat >> signed.tmp <<'X'
  <Signature xmlns="http://www.w3.org/2000/09/xmldsig#">
    <SignedInfo>
      <CanonicalizationMethod Algorithm="http://www.w3.org/2006/12/xml-c14n11"/>
      <SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha512"/>
      <Reference URI="">
        <Transforms><Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/></Transforms>
        <DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha512"/>
        <DigestValue/>
      </Reference>
    </SignedInfo>
    <SignatureValue/>
    <KeyInfo><X509Data><X509Certificate/></X509Data></KeyInfo>
  </Signature>
</CPIX>
X
xmlsec1 --sign --privkey-pem $data/signer.key.pem,$data/signer.cert.pem --output signed.xml signed.tmp
rm signed.tmp
