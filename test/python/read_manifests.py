"""read_manifests.py FOLDER VERSION…: holds every manifest of a folder to Kubernetes' own schemas, strictly (an unknown field is an
error), for each version; prints the manifests as JSON."""
import json
import pathlib
import sys

import kubernetes_validate
import yaml

folder, *versions = sys.argv[1:]
manifests = []
for path in sorted(pathlib.Path(folder).glob("*.yaml")):
    for manifest in yaml.safe_load_all(path.read_text()):
        for version in versions:
            try:
                kubernetes_validate.validate(manifest, version, strict=True)
            except Exception as error:
                sys.exit(f"{path.name}: {manifest.get('kind')} in {version}: {str(error).splitlines()[0]}")
        manifests.append({"file": path.name, **manifest})
print(json.dumps(manifests))
