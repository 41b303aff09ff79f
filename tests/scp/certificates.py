"""Certificates and keys for tests, made with openssl in a folder of their own and never kept."""
import os
import shutil
import subprocess
import tempfile

CURVE = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


def openssl(*arguments, text=None):
    return subprocess.run(["openssl", *map(str, arguments)], input=text, capture_output=True, text=True, check=True, timeout=60)


class Certificates:
    """authority() and certificate(); each is a pair of files NAME.crt, NAME.key in `folder`."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="cervigate-tls-")
        self.serial = 1000

    def path(self, name):
        return os.path.join(self.folder, name)

    def authority(self, name):
        openssl("req", "-x509", *CURVE, "-keyout", self.path(name + ".key"), "-out", self.path(name + ".crt"), "-subj", f"/O=Test/CN={name}",
                "-days", 3000, "-addext", "keyUsage=critical,keyCertSign,cRLSign")
        return self.path(name + ".crt")

    def certificate(self, name, by, names="IP:127.0.0.1,DNS:localhost", days=3000, new=CURVE):
        """Signed by the authority `by`. days -1: ended."""
        self.serial += 1
        key, request, out, more = (self.path(name + e) for e in (".key", ".csr", ".crt", ".ext"))
        openssl("req", *new, "-keyout", key, "-out", request, "-subj", f"/O=Test/CN={name}")
        with open(more, "w", encoding="utf-8") as f:
            f.write(f"subjectAltName={names}\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth,clientAuth\n")
        openssl("x509", "-req", "-in", request, "-CA", self.path(by + ".crt"), "-CAkey", self.path(by + ".key"), "-set_serial", self.serial,
                "-days", days, "-extfile", more, "-out", out)
        os.chmod(key, 0o600)
        return out, key

    def revoke(self, by, *names):
        """A revocation list of the authority, with these certificates on it."""
        base, database = self.path(by), self.path(by + ".index")
        open(database, "w", encoding="utf-8").close()
        with open(base + ".cnf", "w", encoding="utf-8") as f:
            f.write(f"[ca]\ndefault_ca=c\n[c]\ndatabase={database}\ndefault_md=sha256\ndefault_crl_days=30\n")
        for name in names:
            openssl("ca", "-config", base + ".cnf", "-cert", base + ".crt", "-keyfile", base + ".key", "-revoke", self.path(name + ".crt"))
        openssl("ca", "-config", base + ".cnf", "-cert", base + ".crt", "-keyfile", base + ".key", "-gencrl", "-out", base + ".crl")
        return base + ".crl"

    def remove(self):
        shutil.rmtree(self.folder)
