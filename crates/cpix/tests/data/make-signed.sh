#!/bin/sh
# Signs full.xml with xmlsec1 (Debian: xmlsec1, libxmlsec1-openssl), once.
set -e
cd "$(dirname "$0")"
sed '/^<\/CPIX>/d' full.xml > signed.tmp
cat >> signed.tmp <<'X'
  <Signature xmlns="http://www.w3.org/2000/09/xmldsig#">
    <SignedInfo>
      <CanonicalizationMethod Algorithm="http://www.w3.org/2006/12/xml-c14n11"/>
      <SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha512"/>
      <Reference URI="#keys">
        <Transforms><Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/></Transforms>
        <DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/>
        <DigestValue/>
      </Reference>
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
xmlsec1 --sign --id-attr:id ContentKeyList --privkey-pem signer.key.pem,signer.cert.pem --output signed-by-xmlsec.xml signed.tmp
rm signed.tmp
