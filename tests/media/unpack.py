"""Takes one file out of the only package archive in a folder: unpack.py FOLDER INNER TARGET"""

import pathlib
import sys
import tarfile
import zipfile


def main(folder, inner, target):
    archives = [path for path in pathlib.Path(folder).iterdir() if path.is_file()]
    if len(archives) != 1:
        sys.exit(f"{folder} holds {len(archives)} archives, one was expected")
    archive = archives[0]
    try:
        if zipfile.is_zipfile(archive):
            data = zipfile.ZipFile(archive).read(inner)
        else:
            data = tarfile.open(archive).extractfile(inner).read()
    except KeyError:
        sys.exit(1)
    pathlib.Path(target).write_bytes(data)


if __name__ == "__main__":
    main(*sys.argv[1:])
