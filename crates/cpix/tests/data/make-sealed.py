#!/usr/bin/env python3
"""Encrypts a content key for packager.cert.pem with openssl alone, once: OAEP with SHA-256 and MGF1 over SHA-1."""
import base64
import hashlib
import hmac
import os
import subprocess

os.chdir(os.path.dirname(os.path.abspath(__file__)))


def run(arguments, data):
    return subprocess.run(["openssl", *arguments], input=data, capture_output=True, check=True).stdout


def wrap(key):
    options = ["rsa_padding_mode:oaep", "rsa_oaep_md:sha256", "rsa_mgf1_md:sha1"]
    options = [part for option in options for part in ("-pkeyopt", option)]
    return run(["pkeyutl", "-encrypt", "-certin", "-inkey", "packager.cert.pem", *options], key)


def encrypted(name, cipher, algorithm, digest=""):
    return f"""<{name}>
  <e:EncryptionMethod Algorithm="http://www.w3.org/2001/04/xmlenc#{algorithm}">{digest}</e:EncryptionMethod>
  <e:CipherData><e:CipherValue>{base64.encodebytes(cipher).decode()}</e:CipherValue></e:CipherData>
</{name}>"""


document_key, mac_key, iv = bytes(range(32)), bytes(range(64)), bytes(range(16))
cipher = iv + run(["enc", "-aes-256-cbc", "-K", document_key.hex(), "-iv", iv.hex()], b"secret-key-000a*")
mac = base64.b64encode(hmac.new(mac_key, cipher, hashlib.sha512).digest()).decode()
digest = '<d:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/>'
certificate = "".join(open("packager.cert.pem").read().splitlines()[1:-1])
with open("sealed-by-openssl.xml", "w") as out:
    out.write(f"""<c:CPIX xmlns:c="urn:dashif:org:cpix" xmlns:k="urn:ietf:params:xml:ns:keyprov:pskc"
  xmlns:e="http://www.w3.org/2001/04/xmlenc#" xmlns:d="http://www.w3.org/2000/09/xmldsig#" contentId="lecture-7" version="2.4">
<c:DeliveryDataList><c:DeliveryData>
<c:DeliveryKey><d:X509Data><d:X509Certificate>{certificate}</d:X509Certificate></d:X509Data></c:DeliveryKey>
<c:DocumentKey Algorithm="http://www.w3.org/2001/04/xmlenc#aes256-cbc"><c:Data><k:Secret>
{encrypted("k:EncryptedValue", wrap(document_key), "rsa-oaep-mgf1p", digest)}
</k:Secret></c:Data></c:DocumentKey>
<c:MACMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#hmac-sha512">
{encrypted("k:MACKey", wrap(mac_key), "rsa-oaep-mgf1p", digest)}
</c:MACMethod></c:DeliveryData></c:DeliveryDataList>
<c:ContentKeyList><c:ContentKey kid="00000000-0000-0000-0000-000000000000"><c:Data><k:Secret>
{encrypted("k:EncryptedValue", cipher, "aes256-cbc")}
<k:ValueMAC>{mac}</k:ValueMAC></k:Secret></c:Data></c:ContentKey></c:ContentKeyList></c:CPIX>
""")
