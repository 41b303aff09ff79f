"""Seeds of what peers say unasked: HL7, DICOM notifications, web archives. make_seeds.py writes them."""
import json
import struct


def hl7(put):
    """What peers send over MLLP; and settings and news, each text ended by fe."""
    def head(kind, version="2.5.1"):
        return f"MSH|^~\\&|RIS|HOSP|CERVIGATE||20261127130500||{kind}|M1|P|{version}||||||8859/1\r"
    patient = "PID|1||P1^^^H&1.2&ISO~P2||Doe&van^Jane^Q^Jr^Dr||19610430|F\r"
    messages = {
        "orm": head("ORM^O01", "2.3.1") + patient + "ORC|NW|PL1|FI1||SC||1^^^^^S\rOBR|1|PL1|FI1|C^Neck^L||||||||||||||A1|RP1||||||||^^^^^R\r"
               "ZDS|1.2.3^^Application^DICOM\r",
        "omi": head("OMI^O23^OMI_O23") + patient + "ORC|XO|PL1\rTQ1|1||||||||R~A\rOBR|1|PL1||C^Neck\rIPC|A1^RIS|RP1|1.2.3\rORC|CA|PL2\rOBR|2\r",
        "a40": head("ADT^A40") + "PID|1||N1\rMRG|O1^^^H~O2\rPID|1||N2\rMRG|O3\r",
        "a08": head("ADT^A08") + "EVN|A08|20261127120000+0100\rPID|1||P1^^^H&1.2&ISO^MR~77^^^H^AN||D^J^^^^^M~Doe^Jane^^^^^L^A||19610430|F\r",
        "a47": head("ADT^A47", "2.3.1") + "EVN|A47\rPID|1||N1^^^H~N2^^^K\rMRG|O1^^^H\r",
        "oru": head("ORU^R01") + patient + "OBR|1|PL1|FI1|C^Neck|||||||||||||||||||||F\rOBX|1|TX|1^R^99CERVIGATE||a\\F\\\\X0D41\\b\\.br\\\r",
        "ack": head("ACK") + "MSA|AE|M1|bad\rERR|||101|E||||is missing\r",
        "separators": "MSH#*+!%#A######ADT*A08\n\rPID#1##P1***H\r",
    }
    for name, text in messages.items():
        put("hl7_read", name, b"\x0b" + text.encode() + b"\x1c\r")
    ends = [b"CERVIGATE", b"", b"RIS", b"", b"CG^Second look^99CERVIGATE"]
    news = [b"Doe^Jane^Q^Dr^Jr=\xe5\xb1\xb1", b"P1", b"H", b"A17", b"0123456789abcdef", b"1.2.3", b"1961.04.30", b"F", b"20261127", b"081500",
            b"PL1", b"FI1", b"C-spine", b"RP9", b"2.25.1", b"2.25.7", b"cervigate 0.2.0", b"RAD"]
    for version in range(2):
        for characters in range(3):
            numbers = bytes([0, 2, 0, 0, 2, version, characters, characters, 1, 104])
            put("hl7_out", f"{version}-{characters}", bytes([version, characters, characters, version, characters]) + b"\xfe".join(ends) + b"\xfe" + numbers + b"\xfe".join(news))


def news(put):
    """What peers tell unasked, in implicit little endian, behind the byte that says what it is; and answers of web archives."""
    element = lambda group, number, data: struct.pack("<HHI", group, number, len(data)) + data
    item = lambda data: element(0xfffe, 0xe000, data)
    one = element(8, 0x1150, b"1.2.8\0") + element(8, 0x1155, b"1.2.3\0")
    event = element(8, 0x1195, b"2.25.7") + element(8, 0x1198, item(one + element(8, 0x1197, b"\x12\1"))) + element(8, 0x1199, item(one))
    put("news", "event", b"\0" + event)
    series = element(8, 0x1199, item(element(8, 0x56, b"ONLINE") + one)) + element(0x20, 0xe, b"1.2.9\0")
    put("news", "available", b"\1" + element(8, 0x1111, b"") + element(8, 0x1115, item(series)) + element(0x20, 0xd, b"2.25.7"))
    said = {"00081155": {"vr": "UI", "Value": ["1.2.3"]}}
    failed = {**said, "00081197": {"vr": "US", "Value": [42752]}}
    for status, name, body in ((0, "stored", {"00081199": {"vr": "SQ", "Value": [said]}}),
                               (1, "failed", [{"00081198": {"vr": "SQ", "Value": [failed]}, "00081199": {"vr": "SQ"}}]),
                               (2, "warned", {"00081199": {"vr": "SQ", "Value": [{**said, "00081196": {"vr": "US", "Value": [45063]}}]}}),
                               (3, "matches", [{"0020000D": {"vr": "UI", "Value": ["1.2"]}, "00100020": {"vr": "LO", "Value": ["P"]}}])):
        put("stow", name, bytes([status]) + json.dumps(body).encode())


def rules(put):
    put("rules", "spine", b"p2(^|[^a-z])(c[ ._-]?spine|hws)\nv1CR DX\nl416\nm418\nr\np9^ER\n=2HWS lat\n=1DX\n=4018M\n=8ISO_IR 192")
    put("rules", "hostile", b"p3(.*a.{15})+z\nr\nv0 1.2 3\nr\nl4-0.5\nm72048\n=3aaaaaaaaaaaaaaaaaaaa\n=8ISO_IR 100\n=2S\xe4ule\n=519700101\n=620261127")


def log(put):
    put("log", "text", b'2026-11-27T23:40:51.123Z warn assoc[7] association-ended association=1f calling="CT\\"1" called="CERVIGATE" address=10.1.2.3 stored=2 '
        b'contexts=1/2 error="no 1.2.840.10008.5.1 47110815 \\x0a"')
    put("log", "journal", b'<3>deliver[7] delivery-parked destination=pacs uid=2.25.1234567890123 status=C000 reason="un')
    put("log", "configuration", b'<peer name="web" url="https://u:p@h:1/x?y" user="u"/><match attribute="StudyID" values="7"/><match attribute="Modality" pattern="&quot;"/>')
