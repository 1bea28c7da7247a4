mod debian/build-extension/modules/fanfare.so
mod debian/fanfare.ini
