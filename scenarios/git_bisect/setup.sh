set -eu
git init -q -b main repo
cd repo
git fast-import --quiet < ../history.fast-import
git reset -q --hard
rm ../history.fast-import
