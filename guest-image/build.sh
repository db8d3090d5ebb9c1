#!/bin/bash
# Builds the guest image for QEMU servers: <output>/vmlinuz and <output>/initrd.img, from Debian packages that are
# downloaded and unpacked but never installed. Usage: build.sh [output directory, default dist/guest].
# Needs: apt with package lists (updated here when they are missing), dpkg-deb, cpio.
set -euo pipefail
export LC_ALL=C

source_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
output=${1:-$source_dir/../dist/guest}
stamp=$(cd "$source_dir" && sha256sum -- * | sha256sum)
up_to_date() {
  [ -s "$output/vmlinuz" ] && [ -s "$output/initrd.img" ] && [ "$(cat "$output/stamp" 2>/dev/null)" = "$stamp" ]
}
if up_to_date; then exit 0; fi

mkdir -p "$output"
output=$(cd "$output" && pwd)
# Two starts at once build once.
exec 9>"$output/lock"
flock 9
if up_to_date; then exit 0; fi

for tool in cpio dpkg-deb apt-get apt-cache; do
  command -v "$tool" >/dev/null || { echo "build.sh: $tool is missing (apt-get install $tool)" >&2; exit 1; }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/packages" "$work/unpacked" "$work/root"

kernel_package() {
  apt-cache depends linux-image-cloud-amd64 2>/dev/null | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1
}
if [ -z "$(kernel_package)" ]; then apt-get -qq update; fi
kernel=$(kernel_package)
[ -n "$kernel" ] || { echo 'build.sh: apt knows no linux-image-cloud-amd64 (a Debian package); add a Debian source' >&2; exit 1; }
# Libraries of the agent, however this release calls their packages: what it depends on, through libraries only.
mapfile -t libraries < <(apt-cache depends --recurse --important qemu-guest-agent | awk '
  /^[^ ]/ { package = $1 }
  /^ *(Pre)?Depends: lib/ { needs[package] = needs[package] " " $2 }
  function follow(name,  list, count, i) {
    count = split(needs[name], list, " ")
    for (i = 1; i <= count; i++) if (!(list[i] in seen)) { seen[list[i]]; print list[i]; follow(list[i]) }
  }
  END { follow("qemu-guest-agent") }')

download() {
  # apt's sandbox user may not write into a root-only directory; as root we do without it.
  (cd "$work/packages" && apt-get -qq -o APT::Sandbox::User=root download "$kernel" qemu-guest-agent busybox-static "${libraries[@]}")
}
# A list that is older than the archive names packages that are gone: update it once.
download || { apt-get -qq update && kernel=$(kernel_package) && download; }
for package in "$work"/packages/*.deb; do
  # A kernel package is all but 1 % modules that we leave out.
  dpkg-deb --fsys-tarfile "$package" | tar -x -C "$work/unpacked" --wildcards --exclude='*/kernel/sound' \
    --exclude='*/kernel/arch' --exclude='*/share/doc' --exclude='*/gconv'
done

root=$work/root
unpacked=$work/unpacked
mkdir -p "$root"/{bin,sbin,etc/acpi/PWRF,lib/modules,proc,sys,dev,run,root,tmp,var}
ln -s ../run "$root/var/run"

busybox=$(find "$unpacked" -path '*bin/busybox' -type f | head -n 1)
install -m 755 "$busybox" "$root/bin/busybox"
"$busybox" --list | grep -vx -e busybox -e shutdown -e init | while read -r applet; do
  ln -s busybox "$root/bin/$applet"
done
ln -s ../bin/busybox "$root/sbin/init"

install -m 755 "$unpacked/usr/sbin/qemu-ga" "$root/sbin/qemu-ga"
# Asks the downloaded loader, not the host's, which libraries the agent needs.
loader=$(find "$unpacked" -name ld-linux-x86-64.so.2 | head -n 1)
library_path=$(find "$unpacked" -type d -path '*lib/x86_64-linux-gnu' -printf '%p:')
mkdir -p "$root/lib64" "$root/lib/x86_64-linux-gnu"
install -m 755 "$(readlink -f "$loader")" "$root/lib64/ld-linux-x86-64.so.2"
"$loader" --library-path "$library_path" --list "$root/sbin/qemu-ga" | sed -n 's/^\t\([^ /]*\) => \(\/.*\) (0x.*/\1 \2/p' |
  while read -r name path; do
    [[ $path == "$work"/* ]] || { echo "build.sh: $name is not in the downloaded packages" >&2; exit 1; }
    install -m 644 "$path" "$root/lib/x86_64-linux-gnu/$name"
  done

version=${kernel#linux-image-}
modules=$(find "$unpacked" -type d -path "*lib/modules/$version/kernel" | head -n 1)
later=
while read -r module; do
  case $module in
    '' | '#'*) continue ;;
    later:) later=yes; continue ;;
  esac
  install -m 644 "$modules/$module.ko" "$root/lib/modules/"
  if [ -z "$later" ]; then echo "${module##*/}" >>"$root/lib/modules/load-order"; fi
done <"$source_dir/modules"

install -m 755 "$source_dir/init" "$root/init"
install -m 755 -t "$root/etc" "$source_dir"/{agent,nic-event,lease}
install -m 644 -t "$root/etc" "$source_dir"/{inittab,mdev.conf}
install -m 755 "$source_dir/shutdown" "$root/sbin/shutdown"
install -m 755 "$source_dir/shutdown" "$root/etc/acpi/PWRF/00000080"
echo root:x:0:0:root:/root:/bin/sh >"$root/etc/passwd"
echo root:x:0: >"$root/etc/group"

# Same packages, same image: fixed times and order, no inode numbers. Not compressed, because a guest without KVM
# unpacks for longer than it reads.
find "$root" -exec touch -h -d @0 {} +
(cd "$root" && find . -print0 | sort -z | cpio --null --create --format=newc --owner=0:0 --reproducible --quiet) >"$work/initrd.img"
# Renamed into place: a running guest keeps its old file, and no one sees half an image.
cp "$unpacked/boot/vmlinuz-$version" "$output/vmlinuz.new"
cp "$work/initrd.img" "$output/initrd.img.new"
mv "$output/vmlinuz.new" "$output/vmlinuz"
mv "$output/initrd.img.new" "$output/initrd.img"
echo "$stamp" >"$output/stamp"
echo "guest image: $kernel, $(du -m "$output/vmlinuz" | cut -f 1) MB kernel, $(du -m "$output/initrd.img" | cut -f 1) MB initrd"
